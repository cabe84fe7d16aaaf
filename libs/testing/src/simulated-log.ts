import {
  RiskError,
  type EventLog,
  type FetchRequest,
  type FetchResponse,
  type LogRecord,
  type ProposedRecord,
  type RawTopic,
  type SourceProgress,
} from '@riskledger/contracts'
import type { Caller, PendingCalls } from './pending-calls'
import type { VirtualClock } from './virtual-timers'

/** A broker answers with little, so that a batch takes several fetches. */
const RECORDS_IN_ANSWER = 3

interface Gap {
  readonly fromOffset: number
  readonly toOffset: number
  readonly reason: string
}

/** One topic of one partition. */
interface Shelf {
  readonly records: LogRecord[]
  readonly gaps: Gap[]
  start: number
  end: number
  /** Below it, records can be read. */
  watermark: number
}

/** A Kafka-like log: offsets with gaps, a high watermark that may lag behind the end, retention that may cut the beginning off. */
export class SimulatedLog {
  /** By `topic/partition`. */
  private readonly shelves = new Map<string, Shelf>()
  /** The same by topic and partition, for what is asked at every step. */
  private readonly places = new Map<RawTopic, (Shelf | undefined)[]>()
  private progress: SourceProgress[] = []
  /** Topics of which something cannot be read yet, as `topic/partition`. */
  readonly lagging = new Set<string>()
  /** Grows with everything that `changed` must tell of. */
  version = 0

  constructor(
    readonly partitionCount: number,
    private readonly calls: PendingCalls,
    private readonly clock: VirtualClock,
  ) {}

  /** Puts a record at its topic's end; it can be read once the high watermark has passed it. */
  publish(record: ProposedRecord): LogRecord {
    const shelf = this.shelf(record.topic, record.partition)
    const logged = { ...record, offset: shelf.end++ }
    shelf.records.push(logged)
    this.lagging.add(`${record.topic}/${record.partition}`)
    return logged
  }

  /** Uses up offsets without a record for anybody: a transaction marker, an aborted record, a compacted one. */
  skip(place: { readonly topic: RawTopic; readonly partition: number }, count: number, reason: string): void {
    const shelf = this.shelf(place.topic, place.partition)
    this.lagging.add(`${place.topic}/${place.partition}`)
    shelf.gaps.push({ fromOffset: shelf.end, toOffset: shelf.end + count, reason })
    shelf.end += count
  }

  /** Makes everything readable that is there of a topic, named as `topic/partition`. */
  raise(place: string): void {
    const shelf = this.shelves.get(place)
    if (shelf === undefined || !this.lagging.delete(place)) return
    shelf.watermark = shelf.end
    this.version++
  }

  /** Says how far a file source has come. */
  announce(progress: SourceProgress): void {
    this.progress = [...this.progress.filter((one) => one.sourceId !== progress.sourceId), progress]
    this.version++
  }

  /** Retention: offsets of a topic, named as `topic/partition`, below this one cannot be read any more. Given 0, an operator has put them back. */
  cutBelow(place: string, offset: number): void {
    const shelf = this.shelves.get(place)
    if (shelf !== undefined) shelf.start = offset
    this.version++
  }

  /** Offset behind the last one of a topic. */
  endOf(topic: RawTopic, partition: number): number {
    return this.places.get(topic)?.[partition]?.end ?? 0
  }

  /** Every record of a topic, and every gap. */
  contentOf(topic: RawTopic, partition: number): { readonly records: readonly LogRecord[]; readonly gaps: readonly Gap[] } {
    return this.shelves.get(`${topic}/${partition}`) ?? { records: [], gaps: [] }
  }

  /** What a fetch gives; throws `offset-out-of-range` outside of what can be read. */
  read({ topic, partition, fromOffset, maxRecords }: FetchRequest): FetchResponse {
    const shelf = this.shelf(topic, partition)
    if (fromOffset < shelf.start || fromOffset > shelf.watermark) {
      const text = `${topic}/${partition}@${fromOffset}: the log holds [${shelf.start}, ${shelf.watermark})`
      throw new RiskError('offset-out-of-range', text, { retriable: false, context: { topic, partition, offset: fromOffset } })
    }
    const visible = shelf.records.filter(({ offset }) => offset >= fromOffset && offset < shelf.watermark)
    const records = visible.slice(0, Math.min(maxRecords, RECORDS_IN_ANSWER))
    const nextOffset = records.length < visible.length ? records[records.length - 1].offset + 1 : shelf.watermark
    // Retention may have cut a gap, and a journal begins in the middle of it.
    const gaps = shelf.gaps.flatMap(({ toOffset, ...gap }) => {
      const from = Math.max(gap.fromOffset, fromOffset)
      return toOffset > from && toOffset <= nextOffset ? [{ ...gap, fromOffset: from, toOffset }] : []
    })
    return { records, nextOffset, highWatermark: shelf.watermark, gaps }
  }

  /** The log as one process sees it: for reading alone. */
  clientOf(caller: Caller): EventLog {
    const { calls, clock } = this
    let seenVersion = 0
    const see = (): void => {
      seenVersion = this.version
    }
    const refuse = (): Promise<never> => Promise.reject(new Error('a worker writes nothing to the log'))
    return {
      partitionCount: this.partitionCount,
      append: refuse,
      appendColumns: refuse,
      fetch: (request) => {
        const text = `fetch ${request.topic}/${request.partition}@${request.fromOffset}`
        return calls.ask({ caller, kind: 'fetch', text, act: () => this.read(request) })
      },
      range: (topic, partition) => {
        const act = (): { start: number; end: number } => ({
          start: this.shelf(topic, partition).start,
          end: this.shelf(topic, partition).watermark,
        })
        return calls.ask({ caller, kind: 'range', text: `range ${topic}/${partition}`, act })
      },
      sources: () => calls.ask({ caller, kind: 'sources', text: 'sources', act: () => this.progress }),
      changed: (timeoutMs, signal) => {
        const ready = (): boolean => this.version !== seenVersion
        const request = { caller, kind: 'changed' as const, text: 'wait for the log', act: see, ready, dueMs: clock.nowMs + timeoutMs }
        return calls.askUntil<void>(request, signal, (call) => call.resolveWith(undefined))
      },
      close: () => Promise.resolve(),
    }
  }

  private shelf(topic: RawTopic, partition: number): Shelf {
    const known = this.places.get(topic)?.[partition]
    if (known !== undefined) return known
    const shelf: Shelf = { records: [], gaps: [], start: 0, end: 0, watermark: 0 }
    const ofTopic = this.places.get(topic) ?? []
    ofTopic[partition] = shelf
    this.places.set(topic, ofTopic)
    this.shelves.set(`${topic}/${partition}`, shelf)
    return shelf
  }
}
