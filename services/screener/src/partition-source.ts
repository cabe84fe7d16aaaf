import { RiskError, type EventLog, type RawTopic, type SourceProgress } from '@riskledger/contracts'
import type { Gap } from '@riskledger/journal'
import { MAX_BODY_BYTES, TopicMerge, type InputBatch, type MergeItem } from '@riskledger/screening'
import { GapQueue } from './gap-queue'

/** A batch is pulled up to this bound; the journal's own is in encoded bytes. */
const MAX_BYTES = 400 * 1024
/** With fewer inputs a batch is not worth ending early: waiting for an answer costs more than the work. */
const DENSE_ITEMS = 1_000
/** A topic is fetched again once it is empty; this much at a time. */
const FETCH_RECORDS = 8_192
const FETCH_BYTES = 1024 * 1024
/** Most inputs of the first batch, doubled with each batch that held any: after a start code is cold, and whoever waits need not wait for thousands of others. */
const FIRST_INPUTS = 256
/** Gaps of a batch at most: a log may hold any number of them between two records, and an entry of the ledger may not. */
const MOST_GAPS = 4_096
/** How long an idle source waits for the log before it looks again. */
const IDLE_MS = 250

/** What the source asks of the facts' side. */
export interface EpochGate {
  /** True once everything has been read that was learned before the start: no input is given out before. */
  caughtUp(): boolean
  readonly epochMs: number
  /** Epochs in a dense batch at most, so that relations learn from it while the next ones are screened, instead of each waiting for the other. */
  readonly epochsInBatch: number
  /** True once everything that a file's input at this order time may know has been learned. */
  open(orderTimeMs: number): boolean
  /** True if that will come of inputs before `reachedMs` alone: whoever has given those out may wait for it, and nobody waits for each other. */
  willOpen(orderTimeMs: number, reachedMs: number): boolean
  /** Resolves when that may have changed. */
  changed(signal: AbortSignal): Promise<void>
}

export interface PartitionSourceOptions {
  readonly log: EventLog
  readonly partition: number
  readonly topics: readonly RawTopic[]
  /** First offset to read of each topic: where the journal ends. */
  readonly nextOffsets: readonly number[]
  readonly gate: EpochGate
  /** Wall clock in epoch milliseconds, for the ticks of live batches. */
  readonly nowMs: () => number
  /** Order time of the last tick that the journal holds. */
  readonly tickMs: number
  /** Called before it waits for input, or for what relations have yet to learn, with the offsets below which all has been given out. */
  readonly onWait: (nextOffsets: readonly number[]) => void
  /** Called when everything in the log has been given out, with the next offsets. */
  readonly onIdle: (nextOffsets: readonly number[]) => void
  /** Inputs of a batch at most. */
  readonly batchInputs: number
  readonly crashPoint: (name: string) => void
}

/** How far records may go, as one look at the log's imports says. */
interface Bound {
  /** Records below it may go; infinite where no import is at work. */
  readonly orderTimeMs: number
  /** The furthest that any import has announced. */
  readonly announcedMs: number
  readonly sources: readonly SourceProgress[]
}

/**
 * Pulls one partition's records from the log and merges its topics into batches.
 *
 * **Live input beside a file.** A partition has one clock, the tick in its journal, whatever moved it: a file's inputs, live ones, or a batch without
 * inputs that only tells how far it is. By the clock alone relations count which epochs a partition has finished, and by it alone the source knows what it has
 * told already. Live input never carries the clock past what still waits here, nor past what an import at work has announced; and whoever has nothing
 * to give out first moves its clock to where it waits. So the partition whose input waits at the smallest order time finds every clock at or past
 * that, and its gate opens: partitions cannot wait for each other, however live input and files are mixed, and after every restart.
 */
export class PartitionSource {
  private readonly merge: TopicMerge
  /** Next offset to fetch. */
  private readonly fetchOffsets: number[]
  /** Next offset to give out. */
  private readonly givenOffsets: number[]
  private readonly gaps: GapQueue
  /** The partition's clock: the largest tick that its journal holds or that a batch given out puts there. Relations count finished epochs by it. */
  private clockMs: number
  private poked = false
  /** Inputs of the next batch at most. */
  private mostInputs: number

  constructor(private readonly options: PartitionSourceOptions) {
    this.mostInputs = Math.min(FIRST_INPUTS, options.batchInputs)
    this.merge = new TopicMerge(options.topics.length)
    this.gaps = new GapQueue(options.topics.length)
    this.fetchOffsets = [...options.nextOffsets]
    this.givenOffsets = [...options.nextOffsets]
    this.clockMs = options.tickMs
  }

  /** Makes the next pull give out a batch without inputs, so that what waits for a batch boundary need not wait for an input. */
  poke(): void {
    this.poked = true
  }

  /** The next batch; waits for one, and says `onAsk` whenever it asks the log; undefined once `signal` aborts. */
  async pull(signal: AbortSignal, onAsk: () => void = () => undefined): Promise<InputBatch | undefined> {
    while (!signal.aborted) {
      if (this.poked) {
        this.poked = false
        return { items: [], gaps: [], tickMs: undefined }
      }
      if (!this.options.gate.caughtUp()) {
        await this.options.gate.changed(signal)
        continue
      }
      onAsk()
      const bound = await this.bound()
      if ((await this.fill()) && !(await this.stands(bound))) continue
      if (this.wouldBeShort(bound.orderTimeMs)) {
        await this.gateChanged(signal)
        continue
      }
      const { items, gaps, gatedAtMs } = await this.collect(bound)
      if (items.length > 0) this.mostInputs = Math.min(2 * this.mostInputs, this.options.batchInputs)
      this.takeReached(gaps)
      if (items.length > 0 || gaps.length > 0) return this.toBatch({ items, gaps }, bound.orderTimeMs)
      const tick = this.tellProgress(gatedAtMs ?? (this.options.log.partitionCount > 1 ? bound.announcedMs : 0))
      if (tick !== null) return tick
      if (gatedAtMs !== null) {
        // Asked again in the same breath: what was learned since the look above wakes nobody any more.
        if (!this.options.gate.open(gatedAtMs)) await this.gateChanged(signal)
        continue
      }
      this.options.onWait(this.givenOffsets)
      if (bound.orderTimeMs === Infinity && this.exhausted()) this.options.onIdle(this.givenOffsets)
      // Returns at once for what came since the last wait: nothing is missed between the look above and here.
      await this.options.log.changed(IDLE_MS, signal)
    }
    return undefined
  }

  private gateChanged(signal: AbortSignal): Promise<void> {
    this.options.onWait(this.givenOffsets)
    return this.options.gate.changed(signal)
  }

  /**
   * Records with an order time below `orderTimeMs` may go: below what the import at work has announced, or without end. An import starts at or
   * above what every other has announced, so the one at work is the furthest; one that stopped half-way and was left holds nothing back.
   */
  private async bound(): Promise<Bound> {
    const sources = await this.options.log.sources()
    let furthest: SourceProgress | null = null
    for (const source of sources) if (furthest === null || source.orderTimeMs >= furthest.orderTimeMs) furthest = source
    const orderTimeMs = furthest === null || furthest.done ? Infinity : furthest.orderTimeMs
    return { orderTimeMs, announcedMs: furthest?.orderTimeMs ?? 0, sources }
  }

  /**
   * False where no import was at work when the bound was looked up and one has written since: of a topic that was fetched before that, its first records
   * may be missing here, so the bound is to be looked up again before any of it goes.
   */
  private async stands({ orderTimeMs, sources }: Bound): Promise<boolean> {
    if (orderTimeMs !== Infinity) return true
    const now = await this.options.log.sources()
    return (
      now.length === sources.length && now.every(({ emissions, done }, i) => emissions === sources[i].emissions && done === sources[i].done)
    )
  }

  /** Fetches every topic of which nothing is waiting, up to its end or until something is. True where a file's records came. */
  private async fill(): Promise<boolean> {
    let ofFile = false
    for (let topic = 0; topic < this.options.topics.length; topic++) {
      if (this.merge.waiting(topic) === 0 && (await this.fetch(topic))) ofFile = true
    }
    return ofFile
  }

  /** True where records of a file were among what came. */
  private async fetch(topic: number): Promise<boolean> {
    for (;;) {
      const response = await this.options.log.fetch({
        topic: this.options.topics[topic],
        partition: this.options.partition,
        fromOffset: this.fetchOffsets[topic],
        maxRecords: FETCH_RECORDS,
        maxBytes: FETCH_BYTES,
      })
      for (const gap of response.gaps) this.gaps.offer({ topic, ...gap })
      this.fetchOffsets[topic] = response.nextOffset
      if (response.records.length > 0) this.merge.offer(topic, response.records)
      if (response.records.length > 0 || response.nextOffset >= response.highWatermark)
        return response.records.some(({ orderTimeMs }) => orderTimeMs !== undefined)
    }
  }

  /**
   * Fetches a topic in the middle of a batch; false where the batch ends here: the bound does not stand any more, or the log refuses. A pull that
   * fails is made again, and what this one has taken would be missing from it: so the next pull meets the failure.
   */
  private async refill(topic: number, bound: Bound): Promise<boolean> {
    try {
      return !(await this.fetch(topic)) || (await this.stands(bound))
    } catch (error) {
      if (!(error instanceof RiskError)) throw error
      return false
    }
  }

  /**
   * True where the gate will open for all epochs of a batch without anything more from here, and has not yet. Without the wait the source would follow
   * the gate epoch by epoch, and each small batch would cost as many round trips as a large one.
   */
  private wouldBeShort(bound: number): boolean {
    const topic = this.merge.first(bound)
    if (topic < 0) return false
    const { record, orderTimeMs } = this.merge.peek(topic)
    if (record.orderTimeMs === undefined) return false
    const { gate } = this.options
    const lastMs = (Math.floor(orderTimeMs / gate.epochMs) + gate.epochsInBatch - 1) * gate.epochMs
    return !gate.open(lastMs) && gate.willOpen(lastMs, this.clockMs)
  }

  private async collect(bound: Bound): Promise<{ items: MergeItem[]; gaps: Gap[]; gatedAtMs: number | null }> {
    const items: MergeItem[] = []
    const gaps: Gap[] = []
    let bytes = 0
    let endMs = Infinity
    while (items.length < this.mostInputs && bytes < MAX_BYTES) {
      const topic = this.merge.first(bound.orderTimeMs)
      if (topic < 0) break
      const next = this.merge.peek(topic)
      if (next.record.orderTimeMs !== undefined) {
        const { gate } = this.options
        if (!gate.open(next.orderTimeMs)) return { items, gaps, gatedAtMs: next.orderTimeMs }
        if (items.length === 0) endMs = (Math.floor(next.orderTimeMs / gate.epochMs) + gate.epochsInBatch) * gate.epochMs
        if (next.orderTimeMs >= endMs && items.length >= DENSE_ITEMS) break
      }
      // The entry that holds a record holds the gaps before it too; where they are too many, batches without inputs tell them first.
      const gapsBefore = this.gaps.countBefore(topic, next.record.offset, MOST_GAPS + 1)
      if (gaps.length + gapsBefore > MOST_GAPS) break
      if (gapsBefore > 0) gaps.push(...this.gaps.take(topic, gapsBefore))
      items.push(this.merge.take(topic))
      this.givenOffsets[topic] = next.record.offset + 1
      bytes += Math.min(next.record.value.length, MAX_BODY_BYTES)
      // Also where its end was seen before: the bound may be newer than that look.
      if (this.merge.waiting(topic) === 0 && !(await this.refill(topic, bound))) break
    }
    this.options.crashPoint('decoded')
    return { items, gaps, gatedAtMs: null }
  }

  /** Adds the gaps that were reached, as many as a batch holds: before them nothing waits to be given out, so that a restart behind them loses nothing. */
  private takeReached(gaps: Gap[]): void {
    for (let topic = 0; topic < this.options.topics.length; topic++) {
      while (gaps.length < MOST_GAPS) {
        const gap = this.gaps.takeAt(topic, this.givenOffsets[topic])
        if (gap === undefined) break
        this.givenOffsets[topic] = Math.max(this.givenOffsets[topic], gap.toOffset)
        gaps.push(gap)
      }
    }
  }

  private toBatch(taken: { readonly items: readonly MergeItem[]; readonly gaps: readonly Gap[] }, boundMs: number): InputBatch {
    const last = taken.items.at(-1)
    const tickMs = last?.record.orderTimeMs === undefined ? this.liveTick(boundMs) : undefined
    // A file's inputs move the clock one by one, among live ones too.
    for (const { record } of taken.items) if (record.orderTimeMs !== undefined) this.moveClock(record.orderTimeMs)
    if (tickMs !== undefined) this.moveClock(tickMs)
    return { ...taken, tickMs }
  }

  private moveClock(tickMs: number): void {
    if (tickMs > this.clockMs) this.clockMs = tickMs
  }

  /**
   * Wall time that the partition has surely reached: where a topic has unread records, the time of the first, a file's order time or the broker's; and
   * never past the bound, for there the import at work has unread records.
   */
  private liveTick(boundMs: number): number {
    let tick = Math.min(this.options.nowMs(), boundMs)
    for (let topic = 0; topic < this.options.topics.length; topic++) {
      if (this.merge.waiting(topic) === 0) continue
      const { record } = this.merge.peek(topic)
      tick = Math.min(tick, record.orderTimeMs ?? record.brokerTimeMs)
    }
    return tick
  }

  /**
   * A batch without inputs that tells how far this partition is, once an epoch: others, or its own next input, wait for what relations learn up
   * to there, and relations wait for the journal.
   */
  private tellProgress(reachedMs: number): InputBatch | null {
    const { epochMs } = this.options.gate
    if (Math.floor(reachedMs / epochMs) <= Math.floor(this.clockMs / epochMs)) return null
    this.clockMs = reachedMs
    return { items: [], gaps: [], tickMs: reachedMs }
  }

  private exhausted(): boolean {
    return this.options.topics.every((_, topic) => this.merge.waiting(topic) === 0)
  }
}
