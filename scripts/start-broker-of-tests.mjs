import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { root } from './install.mjs'

/** How long it may take to end what it started. */
const CLOSE_LIMIT_MS = 20_000

/**
 * Starts one Kafka broker for all test files that only need some broker, with its files in a folder of its own below `folder`. `environment` resolves once it
 * is up, to what tells the tests of it; where none comes up it is empty, and each file looks for one itself and tells what it found. `close` ends it; it ends
 * by itself where this process is killed.
 */
export function startBrokerOfTests(folder) {
  if (process.env.RISKLEDGER_KAFKA_BROKERS !== undefined) return { environment: Promise.resolve({}), close: () => Promise.resolve() }
  const temporary = join(folder, 'broker')
  mkdirSync(temporary, { recursive: true })
  const child = spawn(
    process.execPath,
    ['--require', join(root, 'libs', 'runtime', 'register.cjs'), join(root, 'scripts', 'broker-of-tests.ts')],
    { cwd: root, env: { ...process.env, TMPDIR: temporary }, stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const ended = new Promise((resolve) => child.once('close', resolve))
  // One that ended by itself closes the pipe.
  child.stdin.on('error', () => undefined)
  const line = new Promise((resolve) => createInterface({ input: child.stdout }).once('line', resolve))
  const environment = Promise.race([line, ended.then(() => '{}')]).then((text) => {
    const { brokers, reason } = JSON.parse(text)
    if (brokers !== undefined) return { RISKLEDGER_KAFKA_BROKERS: brokers.join(',') }
    console.error(`No broker is shared by the tests: ${reason ?? 'its process ended'}`)
    return {}
  })
  return {
    environment,
    async close() {
      child.stdin.end()
      const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_LIMIT_MS)
      await ended
      clearTimeout(timer)
    },
  }
}
