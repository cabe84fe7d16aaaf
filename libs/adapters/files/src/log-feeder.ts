import { type EventLog, partitionFor, type ProposedRecord, RiskError, type SourceProgress } from '@riskledger/contracts'
import type { Emission, Rejection } from './emission'

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
  readonly batchRecords: number
  readonly strict: boolean
  readonly onRejected: (rejection: Rejection) => void
  readonly crashPoint: (name: ImportCrashPoint) => void
}

const MAX_REMEMBERED_ACCOUNTS = 100_000
/** Events up to this far past the start of the import are taken for a clock that runs ahead. */
export const TOLERATED_SKEW_MS = 300_000
const MAX_BATCH_BYTES = 4_194_304

/**
 * Takes emissions into the log in batches, each with its progress. One append is under way while the next batch is gathered;
 * never two, because a log that refuses one may still take the next, and the progress of the next would then cover a hole.
 */
export class LogFeeder {
  /** Emissions seen, those passed over included. */
  emissions = 0
  /** Emissions taken into the log by this feeder, among them those without an event. */
  taken = 0
  rejected = 0
  orderTimeMs: number
  private readonly places = new Map<string, { readonly key: Uint8Array; readonly partition: number }>()
  private records: ProposedRecord[] = []
  private bytes = 0
  private underWay: Promise<unknown> | undefined

  constructor(private readonly options: LogFeederOptions) {
    this.orderTimeMs = options.leastOrderTimeMs
  }

  /** True once a batch is full: call `send`. */
  get full(): boolean {
    return this.records.length >= this.options.batchRecords || this.bytes >= MAX_BATCH_BYTES
  }

  /** Takes one emission. In strict mode throws `input-rejected` at one without an event, which is then not taken. */
  take(emission: Emission): void {
    const { startedAtMs } = this.options
    const { eventTimeMs, rejection, value } = emission
    let brokerTimeMs = this.orderTimeMs
    if (rejection === null) {
      // An event from the far future may not carry the file's clock with it, or all that follow would count as late: it gets the
      // time that the file has reached, against which it is refused as one from the future.
      if (eventTimeMs <= startedAtMs + TOLERATED_SKEW_MS) {
        brokerTimeMs = Math.min(eventTimeMs, startedAtMs)
        if (brokerTimeMs > this.orderTimeMs) this.orderTimeMs = brokerTimeMs
      }
    }
    if (this.emissions >= this.options.skip) {
      if (rejection !== null) this.refuse(rejection)
      const place = emission.accountId === null ? undefined : this.placeOf(emission.accountId)
      this.records.push({
        topic: emission.topic,
        partition: place === undefined ? 0 : place.partition,
        brokerTimeMs,
        orderTimeMs: this.orderTimeMs,
        key: place === undefined ? null : place.key,
        value,
      })
      this.bytes += value.length
      this.taken++
    }
    this.emissions++
  }

  /** Sends what was gathered; resolves once the batch before it is durable. */
  async send(done = false): Promise<void> {
    await this.settled()
    if (this.records.length === 0 && !done) return
    const { log, sourceId, startedAtMs, crashPoint } = this.options
    const records = this.records
    const progress: SourceProgress = { sourceId, emissions: this.emissions, orderTimeMs: this.orderTimeMs, startedAtMs, done }
    this.records = []
    this.bytes = 0
    this.underWay = log.append(records, progress).then(() => crashPoint('offsets-stored'))
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
    const { underWay } = this
    this.underWay = undefined
    await underWay
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

  private placeOf(accountId: string): { readonly key: Uint8Array; readonly partition: number } {
    let place = this.places.get(accountId)
    if (place === undefined) {
      if (this.places.size >= MAX_REMEMBERED_ACCOUNTS) this.places.clear()
      const key = Buffer.from(accountId)
      place = { key, partition: partitionFor(key, this.options.log.partitionCount) }
      // A copy of the text: a slice would keep the whole block that it was cut from.
      this.places.set(key.toString(), place)
    }
    return place
  }
}
