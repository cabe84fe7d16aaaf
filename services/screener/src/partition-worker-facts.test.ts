import { MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import { emptyHead, relationsStream, type ChainHead } from '@riskledger/journal'
import { appendLearned } from '@riskledger/journal/src/testing/append-learned'
import { blankCounterpartyFact, encodeCounterpartyFact } from '@riskledger/relations'
import { JournalFold, type InputVisitor } from '@riskledger/screening'
import { MemoryEventLog, MemoryLedger, MemorySnapshots } from '@riskledger/testing'
import { foldForward, foldFromSnapshot } from './fold-journal'
import { PolicyShelf } from './policy-shelf'
import { Bench, login, payment, POLICY, STREAM } from './testing/worker-bench'

let bench: Bench
beforeEach(() => void (bench = new Bench()))
afterEach(() => bench.stop())

function learn(
  ledger: MemoryLedger,
  head: ChainHead,
  fact: { readonly epoch: number; readonly paymentCount: number; readonly throughEpoch?: number },
): Promise<ChainHead> {
  const { epoch, paymentCount, throughEpoch = 5 } = fact
  const value = encodeCounterpartyFact({ ...blankCounterpartyFact(0), paymentCount, distinctPayers: 3 })
  const facts = [{ epoch, kind: 'counterparty' as const, keyToken: MINIMAL_EVENTS.payments.counterpartyId, value }]
  return appendLearned(ledger, head, { throughEpoch, consumed: [], facts })
}

/** The facts that the journal lists, as `sequence key@revision`. */
async function listedFacts(ledger: MemoryLedger): Promise<string[]> {
  const seen: string[] = []
  const fold = new JournalFold(STREAM)
  const visit: InputVisitor = (at, _recorded, facts) =>
    seen.push(...facts.map(({ keyToken, sourceRevision }) => `${at.sequence} ${keyToken}@${sourceRevision}`))
  await foldForward(fold, { ledger, policies: new PolicyShelf(ledger, '') }, { visit })
  return seen
}

test('live input sees everything that relations have learned, also what a file taught at its end', async () => {
  const { counterpartyId } = MINIMAL_EVENTS.payments
  await learn(bench.ledger, emptyHead(relationsStream(0, '')), { epoch: 5, paymentCount: 7 })
  const { reached } = await bench.start()
  for (const id of [1, 2, 3]) {
    await bench.log.append([payment(id)])
    await reached(id)
  }
  expect(await listedFacts(bench.ledger)).toEqual([`1 ${counterpartyId}@0`])
})

describe('a partition of an import that gets no input of it', () => {
  const epochMs = POLICY.policy.relations.epochMs
  const { visibilityLagEpochs } = POLICY.policy.relations
  const baseEpoch = 1_000
  const startedAtMs = baseEpoch * epochMs

  /** A worker that is told only how far the import is: to the beginning of an epoch this many later. Resolves to the last epoch whose facts it has shown by then. */
  async function shownAt(laterEpochs: number, completeEpoch: number): Promise<number> {
    const log = new MemoryEventLog(2)
    const head = await learn(bench.ledger, emptyHead(relationsStream(0, '')), {
      epoch: baseEpoch,
      paymentCount: 7,
      throughEpoch: completeEpoch,
    })
    expect(head.revision).toBe(0)
    let told = (): void => undefined
    const ticked = new Promise<void>((resolve) => (told = resolve))
    const { worker } = await bench.start({ log, onBatch: ({ inputCount }) => inputCount === 0 && told() })
    log.announce({ sourceId: 'file', emissions: 0, orderTimeMs: startedAtMs + laterEpochs * epochMs, startedAtMs, done: false })
    await ticked
    return worker.fold.step!.facts.offeredThrough.shownEpoch
  }

  test('shows the facts that an input of it might know by now', async () => {
    const laterEpochs = visibilityLagEpochs + 3
    expect(await shownAt(laterEpochs, baseEpoch + 9)).toBe(baseEpoch + 2)
  })

  test('shows none of an epoch that is not complete', async () => {
    expect(await shownAt(visibilityLagEpochs + 3, baseEpoch + 1)).toBe(baseEpoch + 1)
  })
})

describe('what relations learned and nobody had looked at when the worker ended', () => {
  const { counterpartyId } = MINIMAL_EVENTS.payments
  const pace = { batchInputs: 4, snapshotInputs: 1 }

  /** Logins, which look at no counterparty, screened beside the fact; their snapshot holds it as offered. */
  async function offered(): Promise<{ readonly snapshots: MemorySnapshots; readonly head: ChainHead }> {
    const snapshots = new MemorySnapshots()
    const head = await learn(bench.ledger, emptyHead(relationsStream(0, '')), { epoch: -1, paymentCount: 7 })
    const { worker, reached } = await bench.start({ snapshots, pace })
    for (const id of [1, 2]) {
      await bench.log.append([login(id)])
      await reached(id)
    }
    await worker.stop()
    expect(snapshots.saved.get(STREAM)).toHaveLength(1)
    return { snapshots, head }
  }

  /** The revisions after which relations' stream was followed. */
  function followedAfter(ledger: MemoryLedger): unknown[] {
    const seen: unknown[] = []
    const subscribe = ledger.subscribeToStream.bind(ledger)
    ledger.subscribeToStream = (stream, options) => {
      if (stream === relationsStream(0, '')) seen.push(options.after)
      return subscribe(stream, options)
    }
    return seen
  }

  test('is kept with the snapshot, so that its stream is followed from there on, and a replay of the journal from the snapshot sees none of it', async () => {
    const { snapshots } = await offered()
    const before = new MemorySnapshots()
    before.saved.set(STREAM, snapshots.saved.get(STREAM)!)
    const after = followedAfter(bench.ledger)
    const { worker, reached } = await bench.start({ snapshots, pace, workerId: 'w-2' })
    await bench.log.append([payment(3)])
    await reached(3)
    await worker.stop()
    expect(after).toEqual([0])
    expect(await listedFacts(bench.ledger)).toEqual([`3 ${counterpartyId}@0`])
    const context = { ledger: bench.ledger, policies: new PolicyShelf(bench.ledger, '') }
    const fold = await foldFromSnapshot(STREAM, context, { snapshots: before, formatHash: 'e'.repeat(64) })
    await foldForward(fold, context)
    expect(fold.firstMismatch).toBeNull()
    expect(fold.step!.stateHash()).toBe(worker.fold.step!.stateHash())
  })

  test('gives way to what was learned since', async () => {
    const { snapshots, head } = await offered()
    await learn(bench.ledger, head, { epoch: -1, paymentCount: 8 })
    const { reached } = await bench.start({ snapshots, pace, workerId: 'w-2' })
    await bench.log.append([payment(3)])
    await reached(3)
    expect(await listedFacts(bench.ledger)).toEqual([`3 ${counterpartyId}@1`])
  })

  test('is not seen where the relations stream is another by now', async () => {
    const { snapshots } = await offered()
    const ledger = new MemoryLedger()
    for (const entry of bench.ledger.all) {
      if (entry.stream === relationsStream(0, '')) continue
      const { id, type, data, metadata, contentType } = entry
      await ledger.append(entry.stream, entry.revision === 0 ? 'no-stream' : entry.revision - 1, [
        { id, type, data, metadata, contentType },
      ])
    }
    await learn(ledger, emptyHead(relationsStream(0, '')), { epoch: -1, paymentCount: 9 })
    const after = followedAfter(ledger)
    const other = new Bench(ledger)
    await other.log.append([login(1), login(2), payment(3)])
    const { worker, reached } = await other.start({ snapshots, pace, workerId: 'w-2' })
    await reached(3)
    await worker.stop()
    expect(after).toEqual(['start'])
    expect(await listedFacts(ledger)).toEqual([`3 ${counterpartyId}@0`])
  })
})
