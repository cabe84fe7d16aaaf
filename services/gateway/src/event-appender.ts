import { RiskError, type EventLog, type ProposedRecord } from '@riskledger/contracts'

/** Limits of an appender. */
export interface AppenderOptions {
  /** Keys and values that may wait or be on their way, together. */
  readonly maxPendingBytes: number
  /**
   * Called in the same turn right after a group was handed to the log, so that what need not go by itself goes along: on Kafka in the same request, in the embedded log
   * in the next transaction. Must not throw. Default: nothing.
   */
  readonly alongWithGroup?: () => void
}

const MAX_GROUP_BYTES = 1024 * 1024

interface Waiting {
  readonly records: readonly ProposedRecord[]
  readonly bytes: number
  readonly resolve: (offsets: readonly number[]) => void
  readonly reject: (error: unknown) => void
}

/**
 * Appends what many requests bring, in groups, one at a time: what comes while one is under way, or in the same turn of the event loop, goes together. Several groups at
 * once would be smaller, and each is a round through broker, screener and ledger: at 500 verdicts a second four took 44 ms at the median where one took 18.
 */
export class EventAppender {
  private waiting: Waiting[] = []
  private pendingBytes = 0
  /** From when a group is due until it is in the log. */
  private sending = false
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
      this.sendSoon()
    })
  }

  /** Resolves once nothing waits and nothing is on its way. */
  async drained(): Promise<void> {
    if (this.sending) await new Promise<void>((resolve) => this.idle.push(resolve))
  }

  /** Requests that came in the same turn are read first. */
  private sendSoon(): void {
    if (this.sending) return
    this.sending = true
    setImmediate(() => void this.send(this.nextGroup()))
  }

  private nextGroup(): readonly Waiting[] {
    let bytes = 0
    let count = 0
    while (count < this.waiting.length && (count === 0 || bytes + this.waiting[count].bytes <= MAX_GROUP_BYTES))
      bytes += this.waiting[count++].bytes
    return this.waiting.splice(0, count)
  }

  private async send(group: readonly Waiting[]): Promise<void> {
    try {
      const appending = this.log.append(group.flatMap(({ records }) => records))
      this.options.alongWithGroup?.()
      const offsets = await appending
      let at = 0
      for (const { records, resolve } of group) resolve(offsets.slice(at, (at += records.length)))
    } catch (error) {
      for (const { reject } of group) reject(error)
    } finally {
      this.sending = false
      for (const { bytes } of group) this.pendingBytes -= bytes
      if (this.waiting.length > 0) this.sendSoon()
      else for (const resolve of this.idle.splice(0)) resolve()
    }
  }
}
