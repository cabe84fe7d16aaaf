import { setImmediate } from 'node:timers/promises'
import { RAW_TOPICS, type ProposedRecord } from '@riskledger/contracts'
import type { InputBatch } from '@riskledger/screening'
import { MemoryEventLog } from '@riskledger/testing'
import fc from 'fast-check'
import { PartitionSource } from './partition-source'

const EPOCH_MS = 100
const LAG_EPOCHS = 2
const NOW_MS = 100_000
const TOPICS = ['payments', 'logins', 'outcomes'] as const

/** Sources of all partitions of a log, and relations as the gate knows them: they have finished an epoch once every journal's clock is past it. */
class House {
  readonly log: MemoryEventLog
  readonly clocks: number[]
  private readonly offsets: number[][]
  private readonly running: { stopping: AbortController; done: Promise<void> }[] = []
  private waiting: (() => void)[] = []
  private fileMs = 1_000
  private file = 0
  batches = 0
  /** Called whenever a partition has given a batch out. */
  onBatch: (partition: number) => void = () => undefined

  constructor(private readonly partitions: number) {
    this.log = new MemoryEventLog(partitions)
    this.clocks = Array.from({ length: partitions }, () => 0)
    this.offsets = this.clocks.map(() => RAW_TOPICS.map(() => 0))
    for (let partition = 0; partition < partitions; partition++) this.start(partition)
  }

  publish(topic: number, partition: number, atMs: number): void {
    void this.log.append([record(topic, partition, { brokerTimeMs: atMs, orderTimeMs: undefined })])
  }

  /** Takes a record of the file in whose time is this much later than the one before it. */
  emit(topic: number, partition: number, laterMs: number): void {
    this.fileMs = Math.min(NOW_MS, this.fileMs + laterMs)
    void this.log.append([record(topic, partition, { brokerTimeMs: this.fileMs, orderTimeMs: this.fileMs })], this.progress(false))
  }

  /** Ends the file; what is emitted from here on belongs to another. */
  endFile(): void {
    this.log.announce(this.progress(true))
    this.file++
  }

  async restart(partition: number): Promise<void> {
    const { stopping, done } = this.running[partition]
    stopping.abort()
    this.wake()
    await done
    this.start(partition)
  }

  /** Resolves once everything in the log has been given out; rejects where nothing moves any more before that. */
  async drained(): Promise<void> {
    for (;;) {
      const before = this.batches
      for (let turn = 0; turn < 5; turn++) {
        this.log.wake()
        await setImmediate()
      }
      if (await this.isDrained()) return
      if (this.batches === before) throw new Error(`stuck at ${JSON.stringify(this.offsets)}, clocks ${this.clocks.join()}`)
    }
  }

  async stop(): Promise<void> {
    for (const { stopping } of this.running) stopping.abort()
    this.wake()
    await Promise.all(this.running.map(({ done }) => done))
  }

  private progress(done: boolean) {
    return { sourceId: `file-${this.file}`, emissions: 0, orderTimeMs: this.fileMs, startedAtMs: NOW_MS, done }
  }

  private start(partition: number): void {
    const visibleThrough = (orderTimeMs: number): number => Math.floor(orderTimeMs / EPOCH_MS) - 1 - LAG_EPOCHS
    const complete = (): number => Math.floor(Math.min(...this.clocks) / EPOCH_MS) - 1
    const source = new PartitionSource({
      log: this.log,
      partition,
      topics: RAW_TOPICS,
      nextOffsets: this.offsets[partition],
      gate: {
        caughtUp: () => true,
        epochMs: EPOCH_MS,
        epochsInBatch: 2,
        open: (orderTimeMs) => complete() >= visibleThrough(orderTimeMs),
        willOpen: (orderTimeMs, reachedMs) => Math.floor(reachedMs / EPOCH_MS) - 1 >= visibleThrough(orderTimeMs),
        changed: () => new Promise((resolve) => this.waiting.push(resolve)),
      },
      nowMs: () => NOW_MS,
      tickMs: this.clocks[partition],
      onWait: () => undefined,
      onIdle: () => undefined,
      batchInputs: 4,
      crashPoint: () => undefined,
    })
    const stopping = new AbortController()
    const done = (async () => {
      for (;;) {
        const batch = await source.pull(stopping.signal)
        if (batch === undefined || stopping.signal.aborted) return
        this.journal(partition, batch)
        // As an append is awaited: others come in between.
        await setImmediate()
      }
    })()
    this.running[partition] = { stopping, done }
  }

  /** As the screening step does: the clock goes with every input of a file, and with the batch's own tick; never back. */
  private journal(partition: number, { items, tickMs = 0 }: InputBatch): void {
    for (const { record: taken } of items) {
      this.clocks[partition] = Math.max(this.clocks[partition], taken.orderTimeMs ?? 0)
      this.offsets[partition][RAW_TOPICS.indexOf(taken.topic)] = taken.offset + 1
    }
    this.clocks[partition] = Math.max(this.clocks[partition], tickMs)
    this.batches++
    this.wake()
    this.onBatch(partition)
  }

  private wake(): void {
    for (const wake of this.waiting.splice(0)) wake()
  }

  private async isDrained(): Promise<boolean> {
    for (let partition = 0; partition < this.partitions; partition++)
      for (const [index, topic] of RAW_TOPICS.entries())
        if (this.offsets[partition][index] < (await this.log.range(topic, partition)).end) return false
    return true
  }
}

function record(topic: number, partition: number, times: Pick<ProposedRecord, 'brokerTimeMs' | 'orderTimeMs'>): ProposedRecord {
  return { topic: TOPICS[topic], partition, ...times, key: null, value: new Uint8Array(3) }
}

const step = (partitions: number) =>
  fc.oneof(
    { weight: 5, arbitrary: fc.tuple(fc.constant('emit'), fc.nat(2), fc.nat(partitions - 1), fc.nat(900)) },
    { weight: 3, arbitrary: fc.tuple(fc.constant('publish'), fc.nat(2), fc.nat(partitions - 1), fc.integer({ min: 500, max: NOW_MS })) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('publish'), fc.nat(2), fc.nat(partitions - 1), fc.constant(NOW_MS)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('restart'), fc.constant(0), fc.nat(partitions - 1), fc.constant(0)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('end'), fc.constant(0), fc.constant(0), fc.constant(0)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('turn'), fc.constant(0), fc.constant(0), fc.constant(0)) },
  )

const schedules = fc
  .integer({ min: 1, max: 3 })
  .chain((partitions) => fc.tuple(fc.constant(partitions), fc.array(step(partitions), { maxLength: 40 })))

test('however files and live input are mixed, and whoever is started anew, everything is given out: nobody waits for each other', async () => {
  await fc.assert(
    fc.asyncProperty(schedules, async ([partitions, steps]) => {
      const house = new House(partitions)
      for (const [kind, topic, partition, atMs] of steps) {
        if (kind === 'emit') house.emit(topic, partition, atMs)
        else if (kind === 'publish') house.publish(topic, partition, atMs)
        else if (kind === 'restart') await house.restart(partition)
        else if (kind === 'end') house.endFile()
        else await setImmediate()
      }
      house.endFile()
      try {
        await house.drained()
      } finally {
        await house.stop()
      }
    }),
    { numRuns: 300 },
  )
})

test('a file goes in after live input and a restart, on the only partition', async () => {
  const house = new House(1)
  house.publish(0, 0, NOW_MS)
  await house.drained()
  await house.restart(0)
  for (let i = 0; i < 9; i++) house.emit(0, 0, 300)
  house.endFile()
  await house.drained()
  await house.stop()
})

test('a partition that is never without live input does not hold up the file on another', async () => {
  const house = new House(2)
  let fed = 0
  house.onBatch = (partition) => {
    if (partition === 1 && ++fed < 500) house.publish(0, 1, 2_000)
  }
  for (let i = 0; i < 9; i++) house.emit(0, 0, 300)
  house.endFile()
  house.publish(0, 1, 2_000)
  for (let turn = 0; house.clocks[0] < 3_700 && turn < 100; turn++) await setImmediate()
  expect(house.clocks[0]).toBe(3_700)
  expect(fed).toBeLessThan(500)
  await house.stop()
})

test('live input beside an import at work carries the clock no further than the import has come, nor past an input of a file that waits', async () => {
  const house = new House(2)
  house.emit(0, 1, 500)
  for (let turn = 0; turn < 5; turn++) await setImmediate()
  house.publish(0, 0, 1_200)
  const before = house.batches
  for (let turn = 0; house.batches === before && turn < 100; turn++) await setImmediate()
  expect(house.clocks).toEqual([1_500, 1_500])
  house.emit(1, 0, 50)
  house.endFile()
  await house.drained()
  await house.stop()
})
