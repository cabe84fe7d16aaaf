import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Runs a script that has a `logger`, in another process whose standard error is `errors`. */
function runLogging(script: string, errors: number | 'ignore'): { readonly status: number | null; readonly stdout: string } {
  const logger = `const logger = require(${JSON.stringify(join(__dirname, 'create-logger.ts'))}).createLogger({ level: 'debug', name: 'screener' })`
  const child = spawnSync(process.execPath, ['--require', join(__dirname, '..', 'register.cjs'), '-e', `${logger}\n${script}`], {
    stdio: ['ignore', 'pipe', errors],
    encoding: 'utf8',
  })
  return { status: child.status, stdout: child.stdout }
}

/** Logs twice in another process whose standard error is `errors`, then says so. */
function logTo(errors: number): { readonly status: number | null; readonly stdout: string } {
  const script = `
    logger.warn('a snapshot could not be saved')
    logger.warn('a snapshot could not be saved')
    console.log('goes on')`
  return runLogging(script, errors)
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

test('a standard error that takes lines again gets them, however many were lost before', () => {
  const folder = mkdtempSync(join(tmpdir(), 'create-logger-'))
  const fifo = join(folder, 'errors')
  // A pipe that takes nothing while it is full, and that the process itself empties.
  const script = `
    const { closeSync, constants, openSync, readSync } = require('node:fs')
    closeSync(2)
    if (openSync(${JSON.stringify(fifo)}, constants.O_RDWR | constants.O_NONBLOCK) !== 2) throw new Error('standard error is elsewhere')
    const taken = () => {
      const bytes = Buffer.alloc(4 * 1024 * 1024)
      let length = 0
      try {
        for (;;) length += readSync(2, bytes, { offset: length })
      } catch (error) {
        if (error.code !== 'EAGAIN') throw error
      }
      return bytes.toString('utf8', 0, length)
    }
    const asLine = (text) => {
      try {
        return [JSON.parse(text)]
      } catch {
        return []
      }
    }
    const logged = 3000
    for (let line = 0; line < logged; line++) logger.warn('x'.repeat(5000))
    const before = taken()
    logger.warn('there is room again')
    const lines = (before + taken()).split('\\n').flatMap(asLine)
    const [told, next] = lines.splice(-2)
    console.log(JSON.stringify({ told: told.lostLines, lost: logged - lines.length, message: next.message }))`
  try {
    execFileSync('mkfifo', [fifo])
    const { status, stdout } = runLogging(script, 'ignore')
    expect(status).toBe(0)
    const { told, lost, message } = JSON.parse(stdout) as Record<string, unknown>
    expect(message).toBe('there is room again')
    expect(lost).toBeGreaterThan(2_000)
    expect(told).toBe(lost)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
