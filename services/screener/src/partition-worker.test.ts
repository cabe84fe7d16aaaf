import { RAW_TOPICS, RiskError } from '@riskledger/contracts'
import { emptyHead, openEntry, partitionsStream } from '@riskledger/journal'
import { MemoryEventLog, MemoryLedger } from '@riskledger/testing'
import { startOnView } from './start-on-view'
import { Bench, payment, STREAM, types } from './testing/worker-bench'

let bench: Bench
beforeEach(() => void (bench = new Bench()))
afterEach(() => bench.stop())

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
