import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RAW_TOPICS, RiskError, type ProposedRecord } from '@riskledger/contracts'
import { encodeRaw } from '@riskledger/events'
import { MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import {
  checkedEntries,
  emptyHead,
  openEntry,
  partitionsStream,
  relationsStream,
  screeningStream,
  type ChainHead,
  type CheckedEntry,
} from '@riskledger/journal'
import { appendLearned } from '@riskledger/journal/src/testing/append-learned'
import { parsePolicy, type AcceptedPolicy, type Policy } from '@riskledger/policy'
import { blankCounterpartyFact, encodeCounterpartyFact } from '@riskledger/relations'
import { JournalFold, type InputVisitor, type WorkerState } from '@riskledger/screening'
import { KeptLogger, MemoryEventLog, MemoryLedger, MemorySnapshots, NO_METRICS } from '@riskledger/testing'
import { foldForward, foldFromSnapshot } from './fold-journal'
import { startPartitionWorker, type PartitionWorker, type WorkerOptions } from './partition-worker'
import { policiesInForce } from './policies-in-force'
import { policiesToBegin } from './policies-to-begin'
import { PolicyShelf } from './policy-shelf'
import { startOnView } from './start-on-view'

const STREAM = screeningStream(0, 0)
const YAML = readFileSync(join(__dirname, '../../../policies/default.yaml'), 'utf8')
const POLICY = policyOf(YAML)
const OTHER = policyOf(YAML.replace('name: default', 'name: other'))

function policyOf(text: string): AcceptedPolicy {
  const result = parsePolicy(text)
  if (result.kind === 'rejected') throw new Error(result.problems[0].message)
  return result
}

function eventIdOf(id: number): string {
  return `0192f3c4-5b6a-7c8d-9e0f-${String(id).padStart(12, '0')}`
}

function payment(id: number): ProposedRecord {
  const eventId = eventIdOf(id)
  const eventTimeMs = 1_778_697_618_000 + id * 1_000
  const value = encodeRaw('payments', { ...MINIMAL_EVENTS.payments, eventId, paymentId: `p-${id}`, eventTimeMs }).slice()
  return { topic: 'payments', partition: 0, brokerTimeMs: eventTimeMs, orderTimeMs: undefined, key: Buffer.from('a-0293'), value }
}

function login(id: number): ProposedRecord {
  const eventTimeMs = 1_778_697_618_000 + id * 1_000
  const value = encodeRaw('logins', { ...MINIMAL_EVENTS.logins, eventId: eventIdOf(100 + id), accountId: 'a-0293', eventTimeMs }).slice()
  return { topic: 'logins', partition: 0, brokerTimeMs: eventTimeMs, orderTimeMs: undefined, key: Buffer.from('a-0293'), value }
}

/** A worker over doubles, and a way to wait until it has taken so many inputs. */
class Bench {
  readonly log = new MemoryEventLog()
  readonly running: PartitionWorker[] = []

  constructor(readonly ledger = new MemoryLedger()) {}

  async start(
    part: Partial<WorkerOptions> = {},
  ): Promise<{ readonly worker: PartitionWorker; readonly reached: (inputs: number) => Promise<void> }> {
    let waiting: { inputs: number; resolve: () => void }[] = []
    const held: { worker?: PartitionWorker } = {}
    const look = (): void => {
      const inputs = (held.worker?.fold.step?.nextSequence ?? 1) - 1
      for (const one of waiting) if (inputs >= one.inputs) one.resolve()
      waiting = waiting.filter((one) => inputs < one.inputs)
    }
    const worker = await startPartitionWorker({
      partition: 0,
      partitionCount: 1,
      environment: '',
      workerId: 'w-1',
      engineHash: 'e'.repeat(64),
      log: this.log,
      ledger: this.ledger,
      snapshots: null,
      policies: new PolicyShelf(this.ledger, ''),
      policy: POLICY,
      firstPolicy: null,
      checkPolicy: () => undefined,
      pace: { batchInputs: 4, snapshotInputs: 1_000_000 },
      draw: () => null,
      nowMs: () => 1_778_800_000_000,
      logger: new KeptLogger(),
      metrics: NO_METRICS,
      crashPoint: () => undefined,
      onBatch: look,
      onIdle: look,
      ...part,
    })
    held.worker = worker
    this.running.push(worker)
    const reached = (inputs: number): Promise<void> =>
      new Promise((resolve) => {
        waiting.push({ inputs, resolve })
        look()
      })
    return { worker, reached }
  }

  async fold(): Promise<JournalFold> {
    const fold = new JournalFold(STREAM)
    await foldForward(fold, { ledger: this.ledger, policies: new PolicyShelf(this.ledger, '') })
    return fold
  }
}

async function whenAppended(ledger: MemoryLedger, type: string): Promise<void> {
  for await (const message of ledger.subscribeToStream(STREAM, { after: 'start', signal: new AbortController().signal }))
    if (message.kind === 'entry' && message.entry.type === type) return
}

const types = (ledger: MemoryLedger): string[] => ledger.entriesOf(STREAM).map(({ type }) => type)

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(async () => {
  await Promise.allSettled(bench.running.map((worker) => worker.stop()))
})

test('begins a journal, registers it, takes its tenure with the policy, screens, and folds to the same', async () => {
  await bench.log.append([1, 2, 3, 4, 5, 6].map(payment))
  const { worker, reached } = await bench.start()
  await reached(6)
  await worker.stop()
  expect(types(bench.ledger).slice(0, 3)).toEqual(['SegmentOpened', 'TenureBegan', 'PolicyActivated'])
  expect(types(bench.ledger).filter((type) => type === 'InputsScreened')).toHaveLength(2)
  expect(bench.ledger.entriesOf('partitions')).toHaveLength(1)
  let head = emptyHead(STREAM)
  for (const entry of bench.ledger.entriesOf(STREAM)) {
    const opened = openEntry(head, entry)
    expect(opened.kind).toBe('whole')
    if (opened.kind === 'whole') head = opened.entry.head
  }
  const fold = await bench.fold()
  expect(fold.firstMismatch).toBeNull()
  expect(fold.step!.stateHash()).toBe(worker.fold.step!.stateHash())
})

test('who begins a journal at the same moment as another, and finds it registered by then, does not take it for removed', async () => {
  const { ledger } = bench
  let started: Promise<unknown> | null = null
  const late = new MemoryLedger()
  late.append = (...append) => ledger.append(...append)
  late.subscribeToStream = (...subscription) => ledger.subscribeToStream(...subscription)
  // The other is wholly at work between this one's look at the journal and its look at the registry.
  late.readStream = async function* (stream, options) {
    if (stream === partitionsStream()) await (started ??= bench.start())
    yield* ledger.readStream(stream, options)
  }
  const { worker } = await bench.start({ workerId: 'w-2', ledger: late })
  expect(started).not.toBeNull()
  expect(worker.fold.tenure).toMatchObject({ workerId: 'w-2', generation: 2 })
  expect(ledger.entriesOf(STREAM).filter(({ type }) => type === 'SegmentOpened')).toHaveLength(1)
})

describe('while a batch is on its way into the ledger', () => {
  /** Holds the first append of inputs, and screens `first` and then `second` inputs; how far the state got while it was held. */
  async function screened(first: number, second: number): Promise<number> {
    let letGo: () => void = () => undefined
    let isHeld = false
    bench.ledger.gate = async (_, entries) => {
      if (isHeld || entries[0].type !== 'InputsScreened') return
      isHeld = true
      await new Promise<void>((resolve) => (letGo = resolve))
    }
    const payments = Array.from({ length: first + second }, (_, i) => payment(i + 1))
    await bench.log.append(payments.slice(0, first))
    const { worker, reached } = await bench.start()
    const turns = async (count: number): Promise<void> => {
      for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
    while (!isHeld) await turns(1)
    await bench.log.append(payments.slice(first))
    await turns(100)
    const inputs = worker.fold.step!.nextSequence - 1
    letGo()
    await reached(first + second)
    return inputs
  }

  test('nothing is screened behind a small one, and all that came meanwhile goes together', async () => {
    expect(await screened(1, 3)).toBe(1)
    const sizes = bench.ledger.entriesOf(STREAM).filter(({ type }) => type === 'InputsScreened')
    expect(sizes).toHaveLength(2)
  })

  test('the next one is screened behind a full one', async () => {
    expect(await screened(4, 4)).toBe(8)
  })
})

test('it is idle once all that it gave out is in the ledger, and says so then, though nothing more comes', async () => {
  let letGo: () => void = () => undefined
  const sending = new Promise<void>((held) => {
    bench.ledger.gate = (_, entries) => {
      if (entries[0].type !== 'InputsScreened') return Promise.resolve()
      held()
      return new Promise((resolve) => (letGo = resolve))
    }
  })
  await bench.log.append([1, 2, 3, 4].map(payment))
  const idle: (readonly number[])[] = []
  let told: () => void = () => undefined
  const isTold = new Promise<void>((resolve) => (told = resolve))
  const onIdle = (nextOffsets: readonly number[]): void => {
    idle.push(nextOffsets)
    told()
  }
  await bench.start({ onIdle })
  await sending
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(idle).toEqual([])
  letGo()
  await isTold
  expect(idle[0][RAW_TOPICS.indexOf('payments')]).toBe(4)
})

test('goes on where the journal ends: nothing twice, nothing left out', async () => {
  await bench.log.append([1, 2, 3].map(payment))
  const first = await bench.start()
  await first.reached(3)
  await first.worker.stop()
  await bench.log.append([4, 5].map(payment))
  const second = await bench.start({ workerId: 'w-2' })
  await second.reached(5)
  await second.worker.stop()
  const fold = await bench.fold()
  expect(fold.mismatchCount).toBe(0)
  expect(fold.step!.statusCounts).toMatchObject({ screened: 5, duplicate: 0 })
  expect(fold.nextOffsets[RAW_TOPICS.indexOf('payments')]).toBe(5)
  expect(fold.tenure).toMatchObject({ workerId: 'w-2', generation: 2 })
})

test('who takes a partition over fences who had it, an append in flight included; fenced, one sends nothing more', async () => {
  const old = await bench.start()
  let release = (): void => undefined
  let held = (): void => undefined
  const inFlight = new Promise<void>((resolve) => (held = resolve))
  bench.ledger.gate = (stream, [entry]) => {
    if (stream !== STREAM || entry.type !== 'InputsScreened') return Promise.resolve()
    held()
    return new Promise((resolve) => (release = resolve))
  }
  await bench.log.append([payment(1)])
  await inFlight
  bench.ledger.gate = () => Promise.resolve()
  const young = await bench.start({ workerId: 'w-2' })
  await young.reached(1)
  release()
  await expect(old.worker.done).rejects.toMatchObject({ code: 'fenced', retriable: false })
  await bench.log.append([payment(2)])
  await young.reached(2)
  await young.worker.stop()
  const fold = await bench.fold()
  expect(fold.mismatchCount).toBe(0)
  expect(fold.step!.statusCounts).toMatchObject({ screened: 2, duplicate: 0 })
  expect(fold.tenure).toMatchObject({ workerId: 'w-2', generation: 2 })
})

test('a tenure that another entry refuses lets no label become known: the next one goes on from what the journal holds', async () => {
  const delayMs = POLICY.policy.state.labelDelayMs
  const slower = policyOf(YAML.replace(`labelDelayMs: ${delayMs}`, `labelDelayMs: ${2 * delayMs}`))
  let nowMs = payment(1).brokerTimeMs
  const old = await bench.start({ nowMs: () => nowMs })
  await bench.log.append([payment(1)])
  await old.reached(1)
  // The first payment's label is due at the time that the second one's batch tells, and nobody has looked since.
  nowMs += delayMs + 30_000
  await bench.log.append([payment(delayMs / 1_000 - 20)])
  await old.reached(2)
  const activations = (): number => types(bench.ledger).filter((type) => type === 'PolicyActivated').length
  bench.ledger.gate = async (_, [{ type }]) => {
    if (type !== 'TenureBegan' || activations() > 1) return
    old.worker.activate(slower)
    while (activations() === 1) await new Promise((resolve) => setImmediate(resolve))
  }
  const young = await bench.start({ workerId: 'w-2', policy: null, nowMs: () => nowMs })
  expect(types(bench.ledger).at(-1)).toBe('TenureBegan')
  expect(activations()).toBe(2)
  await young.worker.stop()
  const replay = new JournalFold(STREAM)
  replay.checksStates = true
  await foldForward(replay, { ledger: bench.ledger, policies: new PolicyShelf(bench.ledger, '') })
  expect(replay.firstMismatch).toBeNull()
  expect(young.worker.fold.step!.stateHash()).toBe(replay.step!.stateHash())
})

test('who finds a newer tenure behind its own stops at once', async () => {
  let young: Promise<unknown> | undefined
  const gate = bench.ledger.gate
  bench.ledger.gate = async (stream, entries) => {
    await gate(stream, entries)
  }
  await bench.start()
  const append = bench.ledger.append.bind(bench.ledger)
  // As soon as the tenure of w-2 is written, w-3 takes over, before w-2 has read its own entry back.
  bench.ledger.append = async (stream, expected, entries) => {
    const revision = await append(stream, expected, entries)
    if (stream === STREAM && young === undefined && entries[0].type === 'TenureBegan') {
      young = Promise.resolve()
      await bench.start({ workerId: 'w-3' })
    }
    return revision
  }
  await expect(bench.start({ workerId: 'w-2' })).rejects.toMatchObject({ code: 'fenced' })
})

test('an append whose outcome is not known is sent again, the same bytes with the same ids', async () => {
  const sent: string[] = []
  let failures = 0
  bench.ledger.fault = (stream, entries) => {
    if (stream !== STREAM || entries[0].type !== 'InputsScreened') return 'none'
    sent.push(`${entries[0].id} ${Buffer.from(entries[0].data).toString('hex')}`)
    return failures++ === 0 ? 'unknown-written' : failures === 2 ? 'unavailable' : 'none'
  }
  await bench.log.append([payment(1), payment(2)])
  const { worker, reached } = await bench.start()
  await reached(2)
  await worker.stop()
  expect(sent).toHaveLength(3)
  expect(new Set(sent).size).toBe(1)
  expect(types(bench.ledger).filter((type) => type === 'InputsScreened')).toHaveLength(1)
  expect((await bench.fold()).step!.statusCounts.screened).toBe(2)
})

test('a policy switches at a batch boundary, as an entry of its own', async () => {
  await bench.log.append([payment(1)])
  const { worker, reached } = await bench.start()
  await reached(1)
  worker.activate(OTHER)
  await bench.log.append([payment(2)])
  await reached(2)
  await worker.stop()
  const switched = types(bench.ledger).lastIndexOf('PolicyActivated')
  expect(types(bench.ledger).slice(switched - 1)).toContain('InputsScreened')
  expect(Buffer.from(bench.ledger.entriesOf(STREAM)[switched].data).toString()).toContain(OTHER.hash)
  const fold = await bench.fold()
  expect(fold.mismatchCount).toBe(0)
  expect(fold.step!.policyHash).toBe(OTHER.hash)
  const again = await bench.start({ workerId: 'w-2', policy: null })
  expect(again.worker.fold.step!.policyHash).toBe(OTHER.hash)
})

test('a policy that the journal or the process cannot go on by is refused, and the one in force stays', async () => {
  await bench.log.append([payment(1)])
  const wrongSecret = new RiskError('configuration-invalid', 'another secret', { retriable: false })
  const checkPolicy = ({ name }: Policy): void => {
    if (name === 'other') throw wrongSecret
  }
  const { worker, reached } = await bench.start({ checkPolicy })
  await reached(1)
  expect(() => worker.activate(policyOf(YAML.replace(/epochMs: \d+/, 'epochMs: 1800000')))).toThrow(
    expect.objectContaining({ code: 'policy-invalid' }) as Error,
  )
  expect(() => worker.activate(OTHER)).toThrow(wrongSecret)
  await bench.log.append([payment(2)])
  await reached(2)
  await worker.stop()
  expect(types(bench.ledger).filter((type) => type === 'PolicyActivated')).toHaveLength(1)
  expect((await bench.fold()).step!.policyHash).toBe(POLICY.hash)
})

test('a policy that is in force is not put into force again', async () => {
  await bench.log.append([payment(1)])
  const { worker, reached } = await bench.start()
  await reached(1)
  worker.activate(OTHER)
  worker.activate(POLICY)
  await bench.log.append([payment(2)])
  await reached(2)
  await worker.stop()
  expect(types(bench.ledger).filter((type) => type === 'PolicyActivated')).toHaveLength(1)
})

test('a process that cannot screen by the policy in force, or by the one that it was given, fences nobody', async () => {
  const { worker, reached } = await bench.start()
  const before = bench.ledger.entriesOf(STREAM).length
  const checkPolicy = (): void => {
    throw new RiskError('configuration-invalid', 'another secret', { retriable: false })
  }
  for (const policy of [null, OTHER])
    await expect(bench.start({ workerId: 'w-2', policy, checkPolicy })).rejects.toMatchObject({ code: 'configuration-invalid' })
  expect(bench.ledger.entriesOf(STREAM)).toHaveLength(before)
  await bench.log.append([payment(1)])
  await reached(1)
  await worker.stop()
})

test('who takes a partition again after a policy was activated does not put the one of the start into force again', async () => {
  await bench.log.append([payment(1)])
  const given = { policy: POLICY, firstPolicy: null }
  const first = await bench.start(policiesToBegin(given, null))
  await first.reached(1)
  first.worker.activate(OTHER)
  await bench.log.append([payment(2)])
  await first.reached(2)
  await first.worker.stop()
  const second = await bench.start({ workerId: 'w-2', ...policiesToBegin(given, OTHER) })
  expect(second.worker.fold.step!.policyHash).toBe(OTHER.hash)
  // A journal that has none yet begins with the one of the start.
  const fresh = await new Bench().start(policiesToBegin(given, OTHER))
  expect(fresh.worker.fold.step!.policyHash).toBe(POLICY.hash)
  await fresh.worker.stop()
})

test('the policies in force are those at the ends of the journals, of a partition without one there is none', async () => {
  const inForce = (): Promise<ReadonlyMap<number, string>> => policiesInForce(bench.ledger, { environment: '', partitionCount: 2 })
  expect(await inForce()).toEqual(new Map())
  const { worker, reached } = await bench.start()
  expect(await inForce()).toEqual(new Map([[0, POLICY.hash]]))
  worker.activate(OTHER)
  await bench.log.append([payment(1)])
  await reached(1)
  expect(await inForce()).toEqual(new Map([[0, OTHER.hash]]))
})

test('a policy switches also where the ledger does not answer at first, and loses an answer', async () => {
  await bench.log.append([payment(1)])
  const { worker, reached } = await bench.start()
  await reached(1)
  const tried: string[] = []
  bench.ledger.fault = (_, [{ type }]) => {
    tried.push(type)
    return (['unavailable', 'none', 'unavailable', 'unknown-written'] as const)[tried.length - 1] ?? 'none'
  }
  worker.activate(OTHER)
  await bench.log.append([payment(2)])
  await reached(2)
  await worker.stop()
  expect(tried.slice(0, 5)).toEqual(['ArtifactStored', 'ArtifactStored', 'PolicyActivated', 'PolicyActivated', 'PolicyActivated'])
  expect(types(bench.ledger).filter((type) => type === 'PolicyActivated')).toHaveLength(2)
  expect(await bench.fold()).toMatchObject({ firstMismatch: null, inputCount: 2, mismatchCount: 0, step: { policyHash: OTHER.hash } })
})

test('a large state is hashed while its partition goes on, and an entry tells the hash', async () => {
  await bench.log.append([1, 2, 3].map(payment))
  const first = await bench.start()
  await first.reached(3)
  await first.worker.stop()
  const state = first.worker.fold.step!.stateHash()
  let tell = (): void => undefined
  const told = new Promise<void>((resolve) => (tell = resolve))
  const stateHasher = {
    takes: () => true,
    hash: async ({ step }: WorkerState) => {
      const hash = step.stateHash()
      await told
      return hash
    },
  }
  const second = await bench.start({ workerId: 'w-2', policy: OTHER, stateHasher })
  await bench.log.append([4, 5].map(payment))
  await second.reached(5)
  expect(types(bench.ledger)).not.toContain('StateAttested')
  tell()
  await whenAppended(bench.ledger, 'StateAttested')
  await bench.log.append([payment(6)])
  await second.reached(6)
  await second.worker.stop()
  const [tenure, attested] = ['TenureBegan', 'StateAttested'].map(
    (type) => JSON.parse(Buffer.from(bench.ledger.entriesOf(STREAM).findLast((entry) => entry.type === type)!.data).toString()) as object,
  )
  expect(tenure).toMatchObject({ generation: 2, stateHash: '0'.repeat(64) })
  expect(attested).toEqual({ generation: 2, stateHash: state })
  expect(await bench.fold()).toMatchObject({ firstMismatch: null, inputCount: 6, mismatchCount: 0 })
})

test('a state that could not be hashed is told of, and its partition goes on', async () => {
  await bench.log.append([payment(1)])
  const first = await bench.start()
  await first.reached(1)
  await first.worker.stop()
  const logger = new KeptLogger()
  const counted: string[] = []
  const stateHasher = { takes: () => true, hash: () => Promise.reject(new Error('no memory')) }
  const metrics = { ...NO_METRICS, count: (name: string) => void counted.push(name) }
  const second = await bench.start({ workerId: 'w-2', stateHasher, logger, metrics })
  await bench.log.append([payment(2)])
  await second.reached(2)
  expect(counted).toContain('riskledger_state_attestations_failed_total')
  expect(logger.lines).toContainEqual({ level: 'warn', message: expect.any(String), fields: { reason: 'no memory' } })
  expect(types(bench.ledger)).not.toContain('StateAttested')
})

test('a snapshot spares the fold, and one that the journal does not bear out is passed over', async () => {
  const snapshots = new MemorySnapshots()
  const pace = { batchInputs: 2, snapshotInputs: 4 }
  await bench.log.append([1, 2, 3, 4, 5].map(payment))
  const first = await bench.start({ snapshots, pace })
  await first.reached(5)
  await first.worker.stop()
  expect(snapshots.saved.get(STREAM)).toHaveLength(1)
  const second = await bench.start({ snapshots, pace, workerId: 'w-2' })
  expect(second.worker.fold.inputCount).toBe(1)
  expect(second.worker.fold.step!.nextSequence).toBe(6)
  const hash = second.worker.fold.step!.stateHash()
  await second.worker.stop()
  snapshots.saved.set(STREAM, [{ ...snapshots.saved.get(STREAM)![0], entryHash: 'f'.repeat(64) }])
  const third = await bench.start({ snapshots, pace, workerId: 'w-3' })
  expect(third.worker.fold.inputCount).toBe(5)
  expect(third.worker.fold.step!.stateHash()).toBe(hash)
})

test('who takes a partition over while the ledger is away from another that wants it is not fenced by it', async () => {
  const away = new Bench(bench.ledger)
  let tries = 0
  const sleep = async (): Promise<void> => {
    tries++
    bench.ledger.fault = () => 'none'
    await (await bench.start({ workerId: 'w-2' })).worker.stop()
  }
  const timers = { sleep, nextTurn: () => new Promise<void>((resolve) => setImmediate(resolve)) }
  await (await bench.start()).worker.stop()
  bench.ledger.fault = () => 'unavailable'
  await expect(away.start({ workerId: 'w-3', timers })).rejects.toMatchObject({ code: 'fenced' })
  expect(tries).toBe(1)
})

test('where many entries are to be folded they are read ahead, few are not; others get their turns meanwhile, and the state is the same', async () => {
  const payments = Array.from({ length: 1_000 }, (_, i) => payment(i + 1))
  await bench.log.append(payments)
  const first = await bench.start({ pace: { batchInputs: 1, snapshotInputs: 1_000_000 } })
  await first.reached(1_000)
  const hash = first.worker.fold.step!.stateHash()
  await first.worker.stop()
  const asked: ChainHead[] = []
  const entriesAhead = (head: ChainHead): AsyncIterable<CheckedEntry> => {
    asked.push(head)
    return checkedEntries(bench.ledger, head)
  }
  let turns = 0
  const timers = {
    sleep: () => Promise.resolve(),
    nextTurn: () => {
      turns++
      return new Promise<void>((resolve) => setImmediate(resolve))
    },
  }
  const second = await bench.start({ workerId: 'w-2', entriesAhead, timers })
  expect(asked).toEqual([emptyHead(STREAM)])
  expect(second.worker.fold.inputCount).toBe(1_000)
  expect(turns).toBeGreaterThanOrEqual(1_000 / 16 - 1)
  expect(turns).toBeLessThan(1_000 / 4)
  expect(second.worker.fold.step!.stateHash()).toBe(hash)
  await second.worker.stop()

  const few = new Bench()
  await few.start({ entriesAhead })
  expect(asked).toHaveLength(1)
  await few.running[0].stop()
})

test("a ledger that is away as a partition is taken over is asked again, and nobody is once the partition is another's", async () => {
  const slept: number[] = []
  let mine = true
  const sleep = (delayMs: number): Promise<void> => {
    slept.push(delayMs)
    if (slept.length === 3) bench.ledger.fault = () => 'none'
    if (slept.length === 5) mine = false
    return Promise.resolve()
  }
  const timers = { sleep, nextTurn: () => new Promise<void>((resolve) => setImmediate(resolve)) }
  bench.ledger.fault = () => 'unavailable'
  const { worker } = await bench.start({ timers, stillMine: () => mine })
  expect(slept).toEqual([50, 100, 200])
  expect(worker.fold.tenure!.generation).toBe(1)
  bench.ledger.fault = () => 'unavailable'
  await expect(bench.start({ timers, stillMine: () => mine, workerId: 'w-2' })).rejects.toMatchObject({ code: 'cancelled' })
  expect(slept).toHaveLength(5)
  bench.ledger.fault = () => 'none'
})

/** Appends an entry of relations' that tells this of a counterparty; returns its place. */
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

describe('a worker on a view of its own', () => {
  /** A view whose fetches do not answer until it is closed. */
  function silentView(onFetch: () => void) {
    const log = new MemoryEventLog()
    let close = (): void => undefined
    const closed = new Promise<void>((resolve) => (close = resolve))
    log.fetch = async () => {
      onFetch()
      await closed
      throw new RiskError('cancelled', 'the log is closed', { retriable: false })
    }
    const closes: string[] = []
    log.close = async () => {
      closes.push('close')
      close()
    }
    return { log, closes }
  }

  test('that is told to stop while the log does not answer stops at once, without an error', async () => {
    let fetch = (): void => undefined
    const fetched = new Promise<void>((resolve) => (fetch = resolve))
    const { log } = silentView(fetch)
    const worker = await startOnView({ view: () => log }, async (view) => (await bench.start({ log: view })).worker)
    await fetched
    await worker.stop()
    await worker.done
    // What it tells of itself is still its own.
    expect(worker.durableOffsets).toHaveLength(RAW_TOPICS.length)
  })

  test('closes it where it cannot be started', async () => {
    const { log, closes } = silentView(() => undefined)
    const start = (): Promise<never> => Promise.reject(new Error('no'))
    await expect(startOnView({ view: () => log }, start)).rejects.toThrow('no')
    expect(closes).toEqual(['close'])
  })
})

test('a journal that does not repeat under the code that wrote it is refused', async () => {
  await bench.log.append([payment(1)])
  const { worker, reached } = await bench.start()
  await reached(1)
  worker.fold.step!.facts.list('random-challenge', 'a-0293', Buffer.of(1))
  worker.fold.step!.streamTimeMs += 86_400_000
  await bench.log.append([payment(2)])
  await reached(2)
  await worker.stop()
  await expect(bench.start({ workerId: 'w-2' })).rejects.toMatchObject({ code: 'journal-mismatch', retriable: false })
})
