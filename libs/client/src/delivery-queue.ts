import { setTimeout as pause } from 'node:timers/promises'
import { RiskError } from '@riskledger/contracts'
import { LONGEST_TIMER_MS, type DeliveryOptions, type Outgoing, type Receipt, type Transport } from './delivery'

interface Queued extends Outgoing {
  readonly giveUpAtMs: number
  readonly resolve: (receipt: Receipt) => void
  readonly reject: (error: Error) => void
}

/**
 * Gathers events into batches and delivers them in order, one batch at a time: an event never overtakes one that was published before it. A batch
 * that fails retriably is sent again, the same bytes under the same ids, so that an event which had arrived after all is a duplicate and counts once.
 * An event whose time is over while a retry is waited for is given up then, however long the wait.
 */
export class DeliveryQueue {
  private queue: Queued[] = []
  private queuedBytes = 0
  private sending: Promise<void> | null = null
  private linger: NodeJS.Timeout | null = null
  private closed = false

  constructor(
    private readonly transport: Transport,
    private readonly options: Required<DeliveryOptions>,
  ) {}

  /** True where one more of this size would be too many. */
  refuses(bytes: number): boolean {
    const { maxQueuedEvents, maxQueuedBytes } = this.options
    return this.queue.length >= maxQueuedEvents || (this.queue.length > 0 && this.queuedBytes + bytes > maxQueuedBytes)
  }

  /** True once `close` was called. */
  get isClosed(): boolean {
    return this.closed
  }

  /** Resolves once the log has the event; rejects where it is refused or given up. */
  deliver(outgoing: Outgoing): Promise<Receipt> {
    return new Promise((resolve, reject) => {
      this.queue.push({ ...outgoing, giveUpAtMs: performance.now() + this.options.deliveryTimeoutMs, resolve, reject })
      this.queuedBytes += outgoing.bytes
      if (this.isFull()) this.start()
      else if (this.sending === null) this.linger ??= setTimeout(() => this.start(), this.options.lingerMs)
    })
  }

  /** Sends what waits without lingering; resolves once all of it is delivered, refused or given up. */
  async flush(): Promise<void> {
    while (this.queue.length > 0 || this.sending !== null) {
      this.start()
      await this.sending
    }
  }

  /** Takes nothing more, delivers what waits, and lets the transport go. */
  async close(): Promise<void> {
    this.closed = true
    await this.flush()
    await this.transport.close()
  }

  private isFull(): boolean {
    return this.queue.length >= this.options.batchEvents || this.queuedBytes >= this.options.batchBytes
  }

  private start(): void {
    if (this.linger !== null) clearTimeout(this.linger)
    this.linger = null
    if (this.queue.length > 0) this.sending ??= this.run()
  }

  private async run(): Promise<void> {
    let failures = 0
    while (this.queue.length > 0) {
      const batch = this.nextBatch()
      const failure = await this.send(batch)
      failures = failure === null ? 0 : failures + 1
      if (failure !== null) await this.pauseAfter(failure, failures)
    }
    this.sending = null
  }

  /** The head of the queue. It stays there until it is settled, so that it counts as waiting and nothing overtakes it. */
  private nextBatch(): readonly Queued[] {
    const { batchEvents, batchBytes } = this.options
    let bytes = 0
    let count = 0
    while (count < this.queue.length && count < batchEvents && (count === 0 || bytes + this.queue[count].bytes <= batchBytes))
      bytes += this.queue[count++].bytes
    return this.queue.slice(0, count)
  }

  /** Sends a batch once; the failure where something of it has to be sent again, else null. */
  private async send(batch: readonly Queued[]): Promise<RiskError | null> {
    let results: readonly (Receipt | Error | null)[]
    try {
      results = await this.transport.send(batch)
    } catch (error) {
      if (error instanceof RiskError && error.retriable) return error
      const cause = error instanceof Error ? error : new Error(String(error))
      results = batch.map(() => cause)
    }
    const left = new Set<Queued>()
    batch.forEach((queued, i) => {
      const result = results[i]
      if (result === null) {
        left.add(queued)
        return
      }
      this.queuedBytes -= queued.bytes
      if (result instanceof Error) queued.reject(result)
      else queued.resolve(result)
    })
    this.queue = [...left, ...this.queue.slice(batch.length)]
    return null
  }

  /** Waits for the next try. Ends early once nothing is left to try. */
  private async pauseAfter(failure: RiskError, failures: number): Promise<void> {
    const untilMs = performance.now() + this.pauseMs(failure, failures)
    for (;;) {
      const nowMs = performance.now()
      this.giveUpUntil(nowMs, failure)
      if (this.queue.length === 0 || nowMs >= untilMs) return
      await pause(Math.min(Math.ceil(Math.min(untilMs, this.queue[0].giveUpAtMs) - nowMs), LONGEST_TIMER_MS))
    }
  }

  /** Gives up what has no time left: all have the same, so that it runs out from the head. */
  private giveUpUntil(nowMs: number, failure: RiskError): void {
    const end = this.queue.findIndex(({ giveUpAtMs }) => giveUpAtMs > nowMs)
    for (const queued of this.queue.splice(0, end < 0 ? this.queue.length : end)) {
      this.queuedBytes -= queued.bytes
      queued.reject(givenUp(failure, this.options))
    }
  }

  /** A stated pause is kept up to `deliveryTimeoutMs`: whatever waits now is given up by then, and what came since has not been tried. */
  private pauseMs({ context }: RiskError, failures: number): number {
    const { retryMs, maxRetryMs, deliveryTimeoutMs } = this.options
    const backoffMs = Math.min(maxRetryMs, retryMs * 2 ** Math.min(failures - 1, 20))
    const stated = context['retryAfterMs']
    return typeof stated === 'number' ? Math.max(Math.min(stated, deliveryTimeoutMs), backoffMs) : backoffMs
  }
}

function givenUp(cause: RiskError, { deliveryTimeoutMs }: Required<DeliveryOptions>): RiskError {
  const message = `The event was not delivered within ${deliveryTimeoutMs} ms, last because: ${cause.message} It may be published again, with the same id.`
  return new RiskError(cause.code, message, { retriable: true, cause, context: cause.context })
}
