import { RiskError } from '@riskledger/contracts'
import { checkedEntries, emptyHead, type ChainHead, type CheckedEntry } from '@riskledger/journal'
import { JournalFold, type WorkerState } from '@riskledger/screening'
import { KeptLogger, MemorySnapshots, NO_METRICS } from '@riskledger/testing'
import { foldForward } from './fold-journal'
import { PolicyShelf } from './policy-shelf'
import { Bench, OTHER, payment, POLICY, policyOf, STREAM, types, whenAppended, YAML } from './testing/worker-bench'

let bench: Bench
beforeEach(() => void (bench = new Bench()))
afterEach(() => bench.stop())

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
