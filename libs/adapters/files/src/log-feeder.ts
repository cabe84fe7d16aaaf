import { type EventLog, RiskError, type SourceProgress } from '@riskledger/contracts'
import type { Rejection } from './emission'
import type { EmissionBlock } from './emission-block'
import { RecordBatch } from './record-batch'

/** Moments at which a test may kill the process; `offsets-stored`: records and the import's progress are durable, and nobody was told yet. */
export type ImportCrashPoint = 'import-append-sent' | 'offsets-stored' | 'import-done'

/** What a feeder needs. */
export interface LogFeederOptions {
  readonly log: EventLog
  readonly sourceId: string
  /** Emissions that the log holds already: they are passed over. */
  readonly skip: number
  /** No record gets an order time below this one. */
  readonly leastOrderTimeMs: number
  readonly startedAtMs: number
  /** How far past its broker time an event may be dated before screening refuses it. */
  readonly maxSkewMs: number
  readonly batchRecords: number
  readonly strict: boolean
  readonly onRejected: (rejection: Rejection) => void
  readonly crashPoint: (name: ImportCrashPoint) => void
}

/** Events up to this far past the start of the import are taken for a clock that runs ahead. */
export const TOLERATED_SKEW_MS = 300_000
const MAX_BATCH_BYTES = 4_194_304

/**
 * Takes emissions into the log in batches, each with its progress. One append is under way while the next batch is gathered;
 * never two, because a log that refuses one may still take the next, and the progress of the next would then cover a hole. For the
 * same reason nothing is sent any more once an append failed: `send` and `finish` then throw what it failed with.
 */
export class LogFeeder {
  /** Emissions seen, those passed over included. */
  emissions = 0
  /** Emissions taken into the log by this feeder, among them those without an event. */
  taken = 0
  /** Of these, how many have no event, or one dated too far ahead. */
  rejected = 0
  orderTimeMs: number
  private readonly batch: RecordBatch
  /** The append that was sent last; one that failed stays, so that each wait for it throws. */
  private underWay: Promise<unknown> | undefined

  constructor(private readonly options: LogFeederOptions) {
    this.orderTimeMs = options.leastOrderTimeMs
    this.batch = new RecordBatch(options.batchRecords, options.log.partitionCount)
  }

  /** True once a batch is full: call `send`. */
  get full(): boolean {
    return this.batch.full || this.batch.valueBytes >= MAX_BATCH_BYTES
  }

  /**
   * Takes emissions of the block from `from` on, until the batch is full; gives the place of the first that it did not take. In strict mode
   * throws `input-rejected` at one without an event or with one dated too far ahead, which is then not taken.
   */
  take(block: EmissionBlock, from: number): number {
    const { batch } = this
    // Those that the log holds already leave nothing to copy.
    const first = from + Math.max(0, Math.min(block.count - from, this.options.skip - this.emissions))
    let at = from
    try {
      while (at < block.count && !this.full) {
        const brokerTimeMs = this.turnClock(block.eventTimesMs[at])
        if (at >= first) {
          const rejection = block.rejections.get(at)
          if (rejection !== undefined && this.isRefused(block.eventTimesMs[at], brokerTimeMs)) this.refuse(rejection)
          batch.add(block, at, brokerTimeMs, this.orderTimeMs)
          this.taken++
        }
        this.emissions++
        at++
      }
    } finally {
      if (at > first) batch.fill(block, first, at)
    }
    return at
  }

  /** Sends what was gathered; resolves once the batch before it is durable. */
  async send(done = false): Promise<void> {
    await this.settled()
    if (this.batch.count === 0 && !done) return
    const { log, sourceId, startedAtMs, crashPoint } = this.options
    const progress: SourceProgress = { sourceId, emissions: this.emissions, orderTimeMs: this.orderTimeMs, startedAtMs, done }
    this.underWay = log.appendColumns(this.batch, progress).then(() => crashPoint('offsets-stored'))
    this.batch.clear()
    // Its failure is met where it is awaited, in `settled`; without this it would count as unhandled until then.
    this.underWay.catch(() => undefined)
    crashPoint('import-append-sent')
  }

  /** Sends the rest; resolves once everything is durable. With `done`, the source is complete. */
  async finish(done: boolean): Promise<void> {
    await this.send(done)
    await this.settled()
    if (done) this.options.crashPoint('import-done')
  }

  private async settled(): Promise<void> {
    await this.underWay
  }

  /** By the rule with which screening tells a `future-event`; what has no event, by its NaN, is refused too. */
  private isRefused(eventTimeMs: number, brokerTimeMs: number): boolean {
    return !(eventTimeMs <= brokerTimeMs + this.options.maxSkewMs)
  }

  private refuse(rejection: Rejection): void {
    if (this.options.strict) {
      const { file, line, message } = rejection
      throw new RiskError(
        'input-rejected',
        `${file}:${line}: ${message}. Stopped here, as --strict asks; everything before this line is taken.`,
        {
          retriable: false,
          context: { file, line },
        },
      )
    }
    this.rejected++
    this.options.onRejected(rejection)
  }

  /** The broker time of an emission with this event time, which moves the order time where it may. */
  private turnClock(eventTimeMs: number): number {
    const { startedAtMs } = this.options
    // An event from the far future may not carry the file's clock with it, or all that follow would count as late: it gets the
    // time that the file has reached, against which it is refused as one from the future. So does what has no event, by its NaN.
    if (!(eventTimeMs <= startedAtMs + TOLERATED_SKEW_MS)) return this.orderTimeMs
    const brokerTimeMs = Math.min(eventTimeMs, startedAtMs)
    if (brokerTimeMs > this.orderTimeMs) this.orderTimeMs = brokerTimeMs
    return brokerTimeMs
  }
}
