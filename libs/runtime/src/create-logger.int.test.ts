import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'

/** Logs twice in another process whose standard error is `errors`, then says so. */
function logTo(errors: number): { readonly status: number | null; readonly stdout: string } {
  const script = `
    const logger = require(${JSON.stringify(join(__dirname, 'create-logger.ts'))}).createLogger({ level: 'debug', name: 'screener' })
    logger.warn('a snapshot could not be saved')
    logger.warn('a snapshot could not be saved')
    console.log('goes on')`
  const child = spawnSync(process.execPath, ['--require', join(__dirname, '..', 'register.cjs'), '-e', script], {
    stdio: ['ignore', 'pipe', errors],
    encoding: 'utf8',
  })
  return { status: child.status, stdout: child.stdout }
}

test('a standard error on a full disk ends nobody who logs', () => {
  if (process.platform !== 'linux') return console.log('skipped: only Linux has a device that is always full')
  const full = openSync('/dev/full', 'w')
  try {
    expect(logTo(full)).toEqual({ status: 0, stdout: 'goes on\n' })
  } finally {
    closeSync(full)
  }
})

test('a standard error that takes no writing at all ends nobody who logs', () => {
  const unwritable = openSync('/dev/null', 'r')
  try {
    expect(logTo(unwritable)).toEqual({ status: 0, stdout: 'goes on\n' })
  } finally {
    closeSync(unwritable)
  }
})
