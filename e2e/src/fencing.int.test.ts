import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EventLog, Ledger } from '@riskledger/contracts'
import { openEmbeddedLog } from '@riskledger/embedded-log'
import { importFiles } from '@riskledger/files'
import { connectLedger } from '@riskledger/ledger'
import { startLedgerServer, type LedgerServer } from '@riskledger/ledger-server'
import type { AcceptedPolicy } from '@riskledger/policy'
import { startPartitionWorker, type PartitionWorker } from '@riskledger/screener'
import { digestOf, policyOf, relationsOver, workerOptions } from './pipeline-in-process'
import { writeCoarsePolicy, writeScenario } from './scenario-file'

let folder: string
let log: EventLog
let policy: AcceptedPolicy
let lines: number
let expected: { readonly inputs: number; readonly digest: string }
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'riskledger-fence-'))
  lines = writeScenario(join(folder, 'scenario.ndjson'))
  writeCoarsePolicy(join(folder, 'policy.yaml'))
  policy = policyOf(join(folder, 'policy.yaml'))
  log = openEmbeddedLog({ folder: join(folder, 'log'), partitionCount: 1 })
  await importFiles({ files: [join(folder, 'scenario.ndjson')], log, startedAtMs: Date.UTC(2026, 10, 1) })
  expected = await inHouse('undisturbed', async (house) => {
    const worker = await house.start('worker-1')
    await house.drained
    await worker.stop()
  })
})
afterAll(async () => {
  await log.close()
  rmSync(folder, { recursive: true })
})

interface House {
  readonly ledger: Ledger
  /** Resolves once some worker has everything of the log in the ledger. */
  readonly drained: Promise<void>
  /** The same ledger through a client of its own. */
  connect(name: string): Promise<Ledger>
  start(workerId: string, given?: { readonly ledger?: Ledger; readonly onBatch?: () => void }): Promise<PartitionWorker>
}

/** A ledger of its own with relations at work; gives what the journal holds when `act` is done. */
async function inHouse(name: string, act: (house: House) => Promise<void>): Promise<{ readonly inputs: number; readonly digest: string }> {
  mkdirSync(join(folder, name))
  const server: LedgerServer = await startLedgerServer({ folder: join(folder, name) })
  // One string is one client in a process, whoever connects: by the name each has its own.
  const connect = (name: string): Promise<Ledger> =>
    connectLedger({ connectionString: `${server.connectionString}&connectionName=${name}` })
  const ledger = await connect('house')
  const connected: Ledger[] = [ledger]
  const leaving = new AbortController()
  const relations = relationsOver(ledger, policy, leaving.signal)
  let wake: () => void = () => undefined
  const drained = new Promise<void>((resolve) => (wake = resolve))
  try {
    await act({
      ledger,
      drained,
      connect: async (name) => {
        const own = await connect(name)
        connected.push(own)
        return own
      },
      start: (workerId, given = {}) =>
        startPartitionWorker(
          workerOptions({
            log,
            policy,
            workerId,
            ledger: given.ledger ?? ledger,
            onBatch: given.onBatch ?? (() => undefined),
            onIdle: (nextOffsets) => {
              if (nextOffsets.reduce((sum, offset) => sum + offset, 0) === lines) wake()
            },
          }),
        ),
    })
    const { inputs, digest } = await digestOf(ledger)
    return { inputs, digest }
  } finally {
    leaving.abort()
    await relations
    await Promise.all(connected.map((each) => each.close()))
    await server.close()
  }
}

/** A ledger as another client sees it, whose appends of one type can be held back on either side of the wire. */
class HeldLedger {
  readonly sent: string[] = []
  private type = 'InputsScreened'
  private gate: Promise<void> = Promise.resolve()
  private letGo: () => void = () => undefined
  private side: 'before' | 'after' = 'before'
  /** Resolves when an append of that type waits at the gate. */
  waiting: Promise<void> = Promise.resolve()
  private arrived: () => void = () => undefined
  readonly ledger: Ledger

  constructor(under: Ledger) {
    this.ledger = {
      append: async (stream, revision, entries) => {
        this.sent.push(entries[0].type)
        if (this.side === 'before') await this.pass(entries[0].type)
        const last = await under.append(stream, revision, entries)
        if (this.side === 'after') await this.pass(entries[0].type)
        return last
      },
      readStream: (stream, options) => under.readStream(stream, options),
      readAll: (options) => under.readAll(options),
      subscribeToStream: (stream, options) => under.subscribeToStream(stream, options),
      subscribeToAll: (options) => under.subscribeToAll(options),
      close: () => under.close(),
    }
  }

  /** From now on appends that begin with `type` wait: before they are sent, or after the ledger has taken them and before anybody hears of it. */
  hold(side: 'before' | 'after', type = 'InputsScreened'): void {
    this.side = side
    this.type = type
    this.gate = new Promise((resolve) => (this.letGo = resolve))
    this.waiting = new Promise((resolve) => (this.arrived = resolve))
  }

  release(): void {
    this.letGo()
  }

  private async pass(type: string): Promise<void> {
    if (type !== this.type) return
    this.arrived()
    await this.gate
  }
}

test.each(['before', 'after'] as const)(
  'new against old, an append of the old held back %s the ledger took it: the old one is fenced and sends nothing more',
  async (side) => {
    const found = await inHouse(`held-${side}`, async (house) => {
      const held = new HeldLedger(house.ledger)
      let batches = 0
      const old = await house.start('old', {
        ledger: held.ledger,
        onBatch: () => {
          if (++batches === 3) held.hold(side)
        },
      })
      while (batches < 3) await new Promise((resolve) => setImmediate(resolve))
      await held.waiting
      const fresh = await house.start('new')
      held.release()
      await expect(old.done).rejects.toMatchObject({ code: 'fenced', retriable: false })
      const sent = held.sent.length
      await house.drained
      expect(held.sent).toHaveLength(sent)
      await fresh.stop()
    })
    expect(found).toEqual(expected)
  },
)

test('one takes over from the other again and again while it is at work: each ends its predecessor, and every input is there once', async () => {
  const found = await inHouse('chain', async (house) => {
    let previous: { readonly worker: PartitionWorker; readonly held: HeldLedger } | undefined
    for (let generation = 1; generation <= 5; generation++) {
      const held = new HeldLedger(house.ledger)
      let batches = 0
      const worker = await house.start(`worker-${generation}`, {
        ledger: held.ledger,
        onBatch: () => {
          if (++batches === 2 && generation < 5) held.hold('before')
        },
      })
      expect(worker.fold.tenure).toMatchObject({ generation, workerId: `worker-${generation}` })
      previous?.held.release()
      if (previous !== undefined) await expect(previous.worker.done).rejects.toMatchObject({ code: 'fenced' })
      while (generation < 5 && batches < 2) await new Promise((resolve) => setImmediate(resolve))
      if (generation < 5) await held.waiting
      previous = { worker, held }
    }
    await house.drained
    await previous?.worker.stop()
  })
  expect(found).toEqual(expected)
})

interface Starter {
  readonly held: HeldLedger
  readonly start: Promise<PartitionWorker>
}

/** A worker with a client of its own, whose first append of `type` waits. */
async function startHeld(house: House, { workerId, type }: { readonly workerId: string; readonly type: string }): Promise<Starter> {
  const held = new HeldLedger(await house.connect(workerId))
  held.hold('before', type)
  return { held, start: house.start(workerId, { ledger: held.ledger }) }
}

/** How a worker that was started ended once it was asked to. */
function endOf({ start }: Starter): Promise<string> {
  return start
    .then((worker) => worker.stop())
    .then(
      () => 'stopped',
      (error: { code: string }) => error.code,
    )
}

test.each(['SegmentOpened', 'TenureBegan'])(
  'two that start at the same moment on an empty journal, each with its %s under way: the older tenure is fenced, and every input is there once',
  async (type) => {
    const found = await inHouse(`race-${type}`, async (house) => {
      const starters = await Promise.all(['left', 'right'].map((workerId) => startHeld(house, { workerId, type })))
      await Promise.all(starters.map(({ held }) => held.waiting))
      for (const { held } of starters) {
        held.release()
        held.hold('before')
      }
      const starts = await Promise.allSettled(starters.map(({ start }) => start))
      const generations = starts.map((start) => (start.status === 'fulfilled' ? start.value.fold.tenure?.generation : undefined))
      const newest = generations.indexOf(2)
      expect(newest).not.toBe(-1)
      const older = 1 - newest
      // One that met the newer tenure before it had begun is fenced by then; else it is by the append that it has under way.
      if (starts[older].status === 'fulfilled') await starters[older].held.waiting
      starters[newest].held.release()
      await house.drained
      starters[older].held.release()
      expect([await endOf(starters[older]), await endOf(starters[newest])]).toEqual(['fenced', 'stopped'])
    })
    expect(found).toEqual(expected)
  },
)
