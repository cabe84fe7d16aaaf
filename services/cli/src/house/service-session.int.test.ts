import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { installationRoot } from '@riskledger/runtime'
import { SilentServer } from '@riskledger/testing'
import { temporaryFolder } from '../testing/small-scenario'
import { EMBEDDED, openHouse, type House } from './open-house'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let silent: SilentServer
const silentLedger = (): string => `esdb://${silent.address}?tls=false`
let child: ChildProcess | undefined
let house: House | undefined

beforeEach(async () => {
  folder = await temporaryFolder()
  silent = await SilentServer.start()
})
afterEach(async () => {
  child?.kill('SIGKILL')
  await silent.close()
  await house?.close()
  house = undefined
  await folder.remove()
})

/** Runs a service in a process of its own, on the ledger given; `start` is the text of what starts it. */
function runAlone(ledger: string, start: string, { json = false } = {}): ChildProcess {
  const context = {
    settings: { ledger, ledgerPort: 0, dataDir: folder.path },
    environment: '',
    kafka: null,
    schemaRegistry: null,
    json,
  }
  const script = `
    const session = require(${JSON.stringify(join(__dirname, 'service-session.ts'))})
    const { exitCodeOf } = require(${JSON.stringify(join(__dirname, '..', 'exit-codes.ts'))})
    const print = (line) => console.log(line)
    const context = { ...${JSON.stringify(context)}, print, printJson: (value) => print(JSON.stringify(value)) }
    session.runService({ context, name: 'service', needsKafka: false, start: ${start} }).then(
      (code) => (process.exitCode = code),
      (error) => {
        console.error(error.message)
        process.exitCode = exitCodeOf(error)
      },
    )`
  const register = join(installationRoot(), 'libs', 'runtime', 'register.cjs')
  child = spawn(process.execPath, ['--require', register, '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] })
  return child
}

/** How it ends on SIGTERM, and what it has told by then. */
async function terminated(process: ChildProcess): Promise<{ readonly code: number | null; readonly err: string }> {
  let err = ''
  process.stderr!.on('data', (chunk: Buffer) => (err += chunk.toString('utf8')))
  process.kill('SIGTERM')
  const [code] = (await once(process, 'close')) as [number | null]
  return { code, err }
}

async function embeddedLedger(): Promise<string> {
  house = await openHouse({ ...EMBEDDED, dataDir: join(folder.path, 'ledger'), command: 'test' })
  return house.connectionString
}

test('SIGTERM ends a service whose ledger does not answer, as interrupted', async () => {
  const service = runAlone(silentLedger(), '() => new Promise(() => undefined)')
  await silent.connected
  expect(await terminated(service)).toEqual({ code: 130, err: expect.stringMatching(/^Stopped before/) as string })
})

test('SIGTERM ends a service that does not come up, as interrupted', async () => {
  const never = `() => {
    console.log('starting')
    setInterval(() => undefined, 1000)
    return new Promise(() => undefined)
  }`
  const service = runAlone(await embeddedLedger(), never)
  await once(service.stdout!, 'data')
  expect(await terminated(service)).toEqual({ code: 130, err: 'Stopped before it had come up; nothing is lost.\n' })
})

test('a thread that is not there yet is stopped, and waited for', async () => {
  const starting = `(house, signal) => {
    console.log('starting')
    const work = setInterval(() => undefined, 1000)
    const stop = async () => {
      clearInterval(work)
      console.error('the thread has left')
    }
    return session.threadReady({ ready: new Promise(() => undefined), stop }, signal)
  }`
  const service = runAlone(await embeddedLedger(), starting)
  await once(service.stdout!, 'data')
  expect(await terminated(service)).toEqual({
    code: 130,
    err: 'the thread has left\nStopped before it had come up; nothing is lost.\n',
  })
})

test.each([
  {
    command: 'screener',
    flags: () => ['--partitions', '0', '--kafka', silent.address, '--ledger', silentLedger()],
    lacks: 'it had come up; nothing is lost',
  },
  { command: 'up', flags: () => ['--kafka', silent.address], lacks: 'it had come up; nothing is lost' },
  { command: 'up', flags: () => ['--ledger', silentLedger()], lacks: 'the ledger had answered' },
])(
  'SIGTERM ends riskledger $command where what it needs does not answer: stopped before $lacks',
  async ({ command, flags, lacks }) => {
    const executable = join(installationRoot(), 'services', 'cli', 'bin', 'riskledger.js')
    const args = [executable, command, ...flags(), '--data-dir', folder.path]
    child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    await silent.connected
    expect(await terminated(child)).toEqual({ code: 130, err: `Stopped before ${lacks}.\n` })
  },
  // Less than what is waited for answers that never come.
  25_000,
)

test.each([true, false])('what a service says of its ledger holds no password (json: %s)', async (json) => {
  const ledger = (await embeddedLedger()).replace('://', '://admin:changeit@')
  const says = `(house) => {
    const work = setInterval(() => undefined, 1000)
    const says = 'Service on ' + house.connectionString + '.'
    return { says, failed: new Promise(() => undefined), stop: async () => clearInterval(work) }
  }`
  const service = runAlone(ledger, `async ${says}`, { json })
  const [said] = (await once(service.stdout!, 'data')) as [Buffer]
  expect(said.toString('utf8')).toContain('esdb://***@127.0.0.1')
  expect(said.toString('utf8')).not.toContain('changeit')
  expect((await terminated(service)).code).toBe(0)
})
