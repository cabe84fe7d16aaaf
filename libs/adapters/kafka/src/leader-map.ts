import type { Logger } from '@riskledger/contracts'
import type { Wire } from './kafkajs-internals'

/** Metadata are not asked for more often than this. */
const MIN_INTERVAL_MS = 100

/** Which node leads which partition, as of the last metadata. */
export class LeaderMap {
  private leaders = new Map<string, number | undefined>()
  private refreshing: Promise<void> | undefined
  private refreshedAtMs = -Infinity

  constructor(
    private readonly wire: Wire,
    private readonly options: { readonly logger: Logger; readonly monotonicMs: () => number },
  ) {}

  of({ kafkaTopic, partition }: { readonly kafkaTopic: string; readonly partition: number }): number | undefined {
    const name = `${kafkaTopic}/${partition}`
    if (!this.leaders.has(name)) this.leaders.set(name, this.wire.leaderOf(kafkaTopic, partition))
    return this.leaders.get(name)
  }

  /** Asks for the metadata again unless that was done just now; resolves when it is done. A failure is logged: whoever needs a leader asks again. */
  refresh(): Promise<void> {
    if (this.refreshing !== undefined) return this.refreshing
    if (this.options.monotonicMs() - this.refreshedAtMs < MIN_INTERVAL_MS) return Promise.resolve()
    this.refreshing = this.ask()
    return this.refreshing
  }

  private async ask(): Promise<void> {
    try {
      await this.wire.refresh()
    } catch (error) {
      this.options.logger.warn('Kafka metadata could not be had', { error: String(error) })
    } finally {
      this.leaders.clear()
      this.refreshedAtMs = this.options.monotonicMs()
      this.refreshing = undefined
    }
  }
}
