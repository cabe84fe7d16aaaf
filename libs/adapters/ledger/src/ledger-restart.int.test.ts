import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { RiskError, type ExpectedRevision, type Ledger, type ProposedEntry } from '@riskledger/contracts'
import { connectLedger } from './index'
import { collect, jsonEntry, takeEntries } from './ledger-contract'

jest.setTimeout(60_000)

// Asking without a pause would take the processor from the server that is starting.
const RETRY_PAUSE_MS = 25

interface Running {
  readonly child: ChildProcess
  readonly connectionString: string
  readonly port: number
}

async function start(folder: string, { port = 0, crashPoint = 'none', passes = 0 } = {}): Promise<Running> {
  const script = join(__dirname, 'test-server-process.ts')
  const child = spawn(process.execPath, ['--require', 'tsx/cjs', script, folder, String(port), crashPoint, String(passes)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [connectionString] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return { child, connectionString, port: Number(new URL(connectionString.replace('esdb', 'http')).port) }
}

async function kill(running: Running): Promise<void> {
  if (running.child.exitCode !== null || running.child.signalCode !== null) return
  const exited = once(running.child, 'exit')
  running.child.kill('SIGKILL')
  await exited
}

/** Sends the same append until its outcome is known. */
async function insist(
  ledger: Ledger,
  stream: string,
  { expected, entries }: { expected: ExpectedRevision; entries: ProposedEntry[] },
): Promise<number> {
  for (;;) {
    try {
      return await ledger.append(stream, expected, entries)
    } catch (cause) {
      if (!(cause instanceof RiskError) || cause.code !== 'append-outcome-unknown') throw cause
      expect(cause.retriable).toBe(true)
      await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS))
    }
  }
}

describe('a server that is killed', () => {
  let folder: string
  let server: Running
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'riskledger-restart-'))
  })
  afterEach(async () => {
    await kill(server)
    rmSync(folder, { recursive: true, force: true })
  })

  test.each(['ledger-append-received', 'ledger-append-committed', 'ledger-append-flushed'])(
    'at %s: everything acknowledged is there, nothing twice, and subscriptions go on where they stood',
    async (crashPoint) => {
      server = await start(folder, { crashPoint, passes: 10 })
      const { connectionString, port } = server
      const died = once(server.child, 'exit')
      const ledger = await connectLedger({ connectionString, appendTimeoutMs: 3_000 })
      const abort = new AbortController()
      const total = 60
      const followed = takeEntries(ledger.subscribeToStream('s', { after: 'start', signal: abort.signal }), total)
      const followedAll = takeEntries(ledger.subscribeToAll({ after: 'start', streamPrefixes: ['s'], signal: abort.signal }), total)
      const restarted = died.then(async () => {
        server = await start(folder, { port })
      })
      let expected: ExpectedRevision = 'no-stream'
      for (let n = 0; n < total; n += 2) {
        expected = await insist(ledger, 's', { expected, entries: [jsonEntry(n), jsonEntry(n + 1)] })
        expect(expected).toBe(n + 1)
      }
      await restarted
      const counted = (entries: readonly { data: Uint8Array }[]): number[] =>
        entries.map((entry) => (JSON.parse(Buffer.from(entry.data).toString()) as { n: number }).n)
      const all = Array.from({ length: total }, (_, n) => n)
      expect(counted(await collect(ledger.readStream('s', { from: 'start', direction: 'forwards' })))).toEqual(all)
      expect(counted(await followed)).toEqual(all)
      expect(counted(await followedAll)).toEqual(all)
      await ledger.close()
    },
  )

  test('at no particular moment, with eight streams under way', async () => {
    server = await start(folder)
    const { connectionString, port } = server
    const ledger = await connectLedger({ connectionString, appendTimeoutMs: 3_000 })
    let killed: Promise<void> | undefined
    const write = async (stream: string): Promise<void> => {
      let expected: ExpectedRevision = 'no-stream'
      for (let n = 0; n < 40; n++) {
        if (stream === 's-3' && n === 20) killed = kill(server).then(async () => void (server = await start(folder, { port })))
        expected = await insist(ledger, stream, { expected, entries: [jsonEntry(n)] })
      }
    }
    const streams = Array.from({ length: 8 }, (_, i) => `s-${i}`)
    await Promise.all(streams.map(write))
    await killed
    for (const stream of streams) {
      const read = await collect(ledger.readStream(stream, { from: 'start', direction: 'forwards' }))
      expect(read.map((entry) => entry.revision)).toEqual(Array.from({ length: 40 }, (_, n) => n))
    }
    await ledger.close()
  })

  test('and stays away: appends have an unknown outcome, reads and subscriptions end as unavailable', async () => {
    server = await start(folder)
    const ledger = await connectLedger({ connectionString: server.connectionString, appendTimeoutMs: 1_000, connectTimeoutMs: 500 })
    await ledger.append('s', 'no-stream', [jsonEntry(0)])
    await kill(server)
    await expect(ledger.append('s', 0, [jsonEntry(1)])).rejects.toMatchObject({ code: 'append-outcome-unknown', retriable: true })
    await expect(collect(ledger.readStream('s', { from: 'start', direction: 'forwards' }))).rejects.toMatchObject({
      code: 'ledger-unavailable',
      retriable: true,
    })
    const { signal } = new AbortController()
    await expect(collect(ledger.subscribeToStream('s', { after: 'start', signal }))).rejects.toMatchObject({
      code: 'ledger-unavailable',
      retriable: true,
    })
    await ledger.close()
    await expect(connectLedger({ connectionString: server.connectionString, connectTimeoutMs: 300 })).rejects.toMatchObject({
      code: 'ledger-unavailable',
    })
  })
})
