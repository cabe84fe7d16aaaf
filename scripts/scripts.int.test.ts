import { execFile, spawn, type ExecFileException } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { runningCommand } from '@riskledger/dev-broker'

const root = join(__dirname, '..')

interface Ended {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs Node from a folder that is not the root, as a user might. */
function node(args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: __dirname }, (error: ExecFileException | null, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
  })
}

/** Evaluates an expression beside the exports of one of the scripts, which are modules that Jest's sandbox cannot load. */
async function evaluate(script: string, expression: string): Promise<unknown> {
  const code = `import * as script from ${JSON.stringify(join(__dirname, script))}; console.log(JSON.stringify(await (${expression}) ?? null))`
  const { status, stdout, stderr } = await node(['--input-type=module', '-e', code])
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

describe('what is missing', () => {
  const wanted = {
    packages: {
      '': { version: '0.1.0' },
      'libs/a': { version: '0.1.0' },
      'node_modules/@riskledger/a': { resolved: 'libs/a', link: true },
      'node_modules/rxjs': { version: '7.8.2' },
      'node_modules/binary-of-another-system': { version: '1.0.0', optional: true },
    },
  }
  const complete = {
    'node_modules/@riskledger/a': { resolved: 'libs/a', link: true },
    'node_modules/rxjs': { version: '7.8.2' },
  }
  test.each([
    ['nothing', { packages: complete }, null],
    ['everything', undefined, 'none installed yet'],
    ['a package', { packages: { ...complete, 'node_modules/rxjs': undefined } }, 'node_modules/rxjs is missing'],
    ['a version', { packages: { ...complete, 'node_modules/rxjs': { version: '7.8.1' } } }, 'node_modules/rxjs is 7.8.1, wanted 7.8.2'],
    ['a room', { packages: { 'node_modules/rxjs': { version: '7.8.2' } } }, 'node_modules/@riskledger/a is missing'],
  ])('%s', async (_, installed, expected) => {
    const expression = `script.whatIsMissing(${JSON.stringify(wanted)}, ${JSON.stringify(installed)})`
    expect(await evaluate('install.mjs', expression)).toBe(expected)
  })
})

describe('leftovers', () => {
  test('a clean run leaves nothing, and its folder goes', async () => {
    const found = await evaluate(
      'leftovers.mjs',
      '(async () => { const w = script.watchLeftovers(); return { folder: w.environment.TMPDIR, left: await w.collect() } })()',
    )
    expect(found).toMatchObject({ left: [] })
    expect(existsSync((found as { folder: string }).folder)).toBe(false)
  })

  test('files and processes left behind are named and removed', async () => {
    if (!existsSync('/proc/self/environ')) return console.log('skipped: this system tells no environments of processes')
    const found = (await evaluate(
      'leftovers.mjs',
      `(async () => {
        const { writeFileSync } = await import('node:fs')
        const { spawn } = await import('node:child_process')
        const w = script.watchLeftovers()
        writeFileSync(w.environment.TMPDIR + '/forgotten', '')
        const child = spawn('sleep', ['600'], { env: { ...process.env, ...w.environment }, stdio: 'ignore' })
        const gone = new Promise((resolve) => child.on('exit', (code, signal) => resolve(signal)))
        await new Promise((resolve) => child.on('spawn', resolve))
        return { left: await w.collect(), signal: await gone }
      })()`,
    )) as { left: string[]; signal: string }
    expect(found.left).toEqual([
      expect.stringMatching(/^left behind: .*\/forgotten$/),
      expect.stringMatching(/^left running: \d+ sleep 600$/),
    ])
    expect(found.signal).toBe('SIGKILL')
  })
})

describe('a step', () => {
  let folder: string
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'riskledger-step-'))))
  afterEach(() => rmSync(folder, { recursive: true }))

  /** A step whose child holds its output and never ends, and writes its process id to a file. */
  const hanging = (): string => {
    const child = `require('node:fs').writeFileSync(${JSON.stringify(join(folder, 'pid.draft'))}, String(process.pid)); require('node:fs').renameSync(${JSON.stringify(join(folder, 'pid.draft'))}, ${JSON.stringify(join(folder, 'pid'))}); setInterval(() => {}, 1_000)`
    return `require('node:child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: 'inherit' })`
  }
  const options = (limitMs: number): string =>
    `{ cwd: '.', env: process.env, stdio: ['ignore', 'pipe', 'pipe'], limitMs: ${limitMs}, onBytes: () => undefined }`

  test('is told by its exit code, and what it prints is handed over', async () => {
    const expression = `(async () => { const printed = []; const status = await script.runStep(['-e', 'console.log(1); process.exitCode = 3'], { ...${options(60_000)}, onBytes: (bytes) => printed.push(String(bytes)) }); return { status, printed } })()`
    expect(await evaluate('run-step.mjs', expression)).toEqual({ status: 3, printed: ['1\n'] })
  })

  test('that hangs in a process of its own making is ended with it', async () => {
    if (process.platform === 'win32') return console.log('skipped: Windows has no process groups')
    // A limit that is over before the process runs proves as much.
    expect(await evaluate('run-step.mjs', `script.runStep(['-e', ${JSON.stringify(hanging())}], ${options(1_000)})`)).toBe('SIGKILL')
    await untilGone(join(folder, 'pid'))
  })

  test('is ended by a signal to whoever runs it', async () => {
    if (process.platform === 'win32') return console.log('skipped: Windows has no process groups')
    const code = `import * as script from ${JSON.stringify(join(__dirname, 'run-step.mjs'))}; await script.runStep(['-e', ${JSON.stringify(hanging())}], ${options(600_000)})`
    const runner = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'ignore' })
    const ended = new Promise((resolve) => runner.once('exit', (_, signal) => resolve(signal)))
    while (!existsSync(join(folder, 'pid'))) await sleep(20)
    runner.kill('SIGINT')
    expect(await ended).toBe('SIGINT')
    await untilGone(join(folder, 'pid'))
  })

  /** Waits until the process is gone whose id the file holds, if it came to be. */
  async function untilGone(file: string): Promise<void> {
    if (!existsSync(file)) return
    const pid = Number(readFileSync(file, 'utf8'))
    while (runningCommand(pid).kind !== 'none') await sleep(20)
  }
})

describe('the broker of a run', () => {
  const start = (setting: string): string =>
    `(async () => { ${setting}; const b = script.startBrokerOfTests(${JSON.stringify(folder)}); try { return await b.environment } finally { await b.close() } })()`
  let folder: string
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'riskledger-scripts-'))))
  afterEach(() => rmSync(folder, { recursive: true }))

  test('is none of ours where one is named already', async () => {
    expect(await evaluate('start-broker-of-tests.mjs', start("process.env.RISKLEDGER_KAFKA_BROKERS = 'a:1'"))).toEqual({})
    expect(readdirSync(folder)).toEqual([])
  })

  test('where none can be started, every file is left to look for itself', async () => {
    const nothing =
      "delete process.env.RISKLEDGER_KAFKA_BROKERS; process.env.PATH = ''; process.env.HOME = '/nowhere'; process.env.DOCKER_HOST = 'tcp://127.0.0.1:9'"
    expect(await evaluate('start-broker-of-tests.mjs', start(nothing))).toEqual({})
  })
})

describe('npm run bench', () => {
  const bench = join(root, 'scripts', 'bench.mjs')

  test('without a name lists what there is', async () => {
    const { status, stdout } = await node([bench])
    expect(status).toBe(0)
    expect(stdout).toContain('npm run bench -- <name> [--input file] [--json]')
    expect(stdout.split('\n')).toContain('  ledger')
  })

  test.each([
    [['no-such-bench'], 'there is no bench no-such-bench; there are '],
    [['ledger', 'windows'], 'one bench at a time, not ledger windows'],
    [['ledger', '--fast'], '--fast'],
  ])('refuses %p', async (args, message) => {
    const { status, stderr } = await node([bench, ...args])
    expect(status).toBe(2)
    expect(stderr).toContain(message)
  })
})

test('an old Node is refused in one clear line', async () => {
  const code = `Object.defineProperty(process, 'versions', { value: { node: '20.18.9' } }); await import(${JSON.stringify(join(__dirname, 'start.mjs'))})`
  const { status, stderr } = await node(['--input-type=module', '-e', code])
  expect(status).toBe(1)
  expect(stderr).toBe('RiskLedger needs Node 20.19 or newer; this is 20.18.9. Node 24 is a good choice.\n')
})
