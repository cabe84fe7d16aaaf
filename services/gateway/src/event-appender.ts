import { RiskError, type EventLog, type ProposedRecord } from '@riskledger/contracts'

/** Limits of an appender. */
export interface AppenderOptions {
  /** Keys and values that may wait or be on their way, together. */
  readonly maxPendingBytes: number
}

/** Appends on their way at once: enough to keep a disk or a broker busy, few enough that the others gather in groups. */
const MAX_IN_FLIGHT = 4
const MAX_GROUP_BYTES = 1024 * 1024

interface Waiting {
  readonly records: readonly ProposedRecord[]
  readonly bytes: number
  readonly resolve: (offsets: readonly number[]) => void
  readonly reject: (error: unknown) => void
}

/**
 * Appends what many requests bring, in groups: what comes while appends are under way goes together into the next. Each request's records stay
 * together and in order; requests that are under way at the same time have no order among them.
 */
export class EventAppender {
  private waiting: Waiting[] = []
  private pendingBytes = 0
  private inFlight = 0
  private idle: (() => void)[] = []

  constructor(
    private readonly log: EventLog,
    private readonly options: AppenderOptions,
  ) {}

  /** Bytes that wait or are on their way. */
  get bytes(): number {
    return this.pendingBytes
  }

  /**
   * Resolves to the records' offsets once they are durable. Rejects with `limit-reached`, retriable, where too much waits already, and with what
   * the log says.
   */
  append(records: readonly ProposedRecord[]): Promise<readonly number[]> {
    const bytes = records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + value.length, 0)
    if (this.pendingBytes > 0 && this.pendingBytes + bytes > this.options.maxPendingBytes) {
      const message = `${this.pendingBytes} bytes of events wait for the log; the limit is ${this.options.maxPendingBytes}. Send them again in a second.`
      return Promise.reject(new RiskError('limit-reached', message, { retriable: true }))
    }
    this.pendingBytes += bytes
    return new Promise((resolve, reject) => {
      this.waiting.push({ records, bytes, resolve, reject })
      this.pump()
    })
  }

  /** Resolves once nothing waits and nothing is on its way. */
  async drained(): Promise<void> {
    if (this.inFlight > 0) await new Promise<void>((resolve) => this.idle.push(resolve))
  }

  private pump(): void {
    while (this.inFlight < MAX_IN_FLIGHT && this.waiting.length > 0) void this.send(this.nextGroup())
    if (this.inFlight === 0) for (const resolve of this.idle.splice(0)) resolve()
  }

  private nextGroup(): readonly Waiting[] {
    let bytes = 0
    let count = 0
    while (count < this.waiting.length && (count === 0 || bytes + this.waiting[count].bytes <= MAX_GROUP_BYTES))
      bytes += this.waiting[count++].bytes
    return this.waiting.splice(0, count)
  }

  private async send(group: readonly Waiting[]): Promise<void> {
    this.inFlight++
    try {
      const offsets = await this.log.append(group.flatMap(({ records }) => records))
      let at = 0
      for (const { records, resolve } of group) resolve(offsets.slice(at, (at += records.length)))
    } catch (error) {
      for (const { reject } of group) reject(error)
    } finally {
      this.inFlight--
      for (const { bytes } of group) this.pendingBytes -= bytes
      this.pump()
    }
  }
}
