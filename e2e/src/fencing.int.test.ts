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
  start(workerId: string, given?: { readonly ledger?: Ledger; readonly onBatch?: () => void }): Promise<PartitionWorker>
}

/** A ledger of its own with relations at work; gives what the journal holds when `act` is done. */
async function inHouse(name: string, act: (house: House) => Promise<void>): Promise<{ readonly inputs: number; readonly digest: string }> {
  mkdirSync(join(folder, name))
  const server: LedgerServer = await startLedgerServer({ folder: join(folder, name) })
  const ledger = await connectLedger({ connectionString: server.connectionString })
  const leaving = new AbortController()
  const relations = relationsOver(ledger, policy, leaving.signal)
  let wake: () => void = () => undefined
  const drained = new Promise<void>((resolve) => (wake = resolve))
  try {
    await act({
      ledger,
      drained,
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
    await ledger.close()
    await server.close()
  }
}

/** A ledger as another client sees it, whose appends to the journal can be held back on either side of the wire. */
class HeldLedger {
  readonly sent: string[] = []
  private gate: Promise<void> = Promise.resolve()
  private letGo: () => void = () => undefined
  private side: 'before' | 'after' = 'before'
  /** Resolves when an append of the journal waits at the gate. */
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

  /** From now on batches wait: before they are sent, or after the ledger has taken them and before anybody hears of it. */
  hold(side: 'before' | 'after'): void {
    this.side = side
    this.gate = new Promise((resolve) => (this.letGo = resolve))
    this.waiting = new Promise((resolve) => (this.arrived = resolve))
  }

  release(): void {
    this.letGo()
  }

  private async pass(type: string): Promise<void> {
    if (type !== 'InputsScreened') return
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

test('two that start at the same moment on an empty journal: no more than one is left at work, and every input is there once', async () => {
  const found = await inHouse('race', async (house) => {
    const starts = await Promise.allSettled([house.start('left'), house.start('right')])
    await house.drained
    const codes: string[] = []
    for (const start of starts) {
      if (start.status === 'rejected') codes.push((start.reason as { code: string }).code)
      else
        codes.push(
          await start.value.stop().then(
            () => 'stopped',
            (error: { code: string }) => error.code,
          ),
        )
    }
    // One that took over when nothing was left to do meets nobody; else the older one is fenced.
    expect(codes).toContain('stopped')
    expect(codes.every((code) => code === 'stopped' || code === 'fenced')).toBe(true)
  })
  expect(found).toEqual(expected)
})
