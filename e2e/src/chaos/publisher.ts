import type { ScenarioRecord } from './scenario-records'

/** Where a record was said to lie once it was published. */
export interface Receipt {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** SHA-256 of its value, in hex. */
  readonly digest: string
}

/** Takes records to where they are published; resolves once all of them are acknowledged, however often that took. */
export interface Sender {
  /** Of every record that was acknowledged. */
  readonly receipts: readonly Receipt[]
  send(records: readonly ScenarioRecord[]): Promise<void>
  /** Gives up what is under way, which then rejects. */
  close(): Promise<void>
}

export interface PublisherOptions {
  readonly sender: Sender
  readonly records: Iterator<ScenarioRecord>
  readonly recordsPerSecond: number
  /** Records of one request. */
  readonly requestRecords: number
}

/** Publishes records at a pace of its own, until it is paused or stopped. */
export class Publisher {
  /** Records that were acknowledged. */
  acknowledged = 0
  private state: 'running' | 'pausing' | 'stopped' = 'pausing'
  private running: Promise<void> = Promise.resolve()
  private failure: Error | null = null

  constructor(private readonly options: PublisherOptions) {}

  /** Goes on; throws what it failed with before. */
  resume(): void {
    this.assertWell()
    if (this.state === 'running') return
    this.state = 'running'
    this.running = this.run().catch((error: unknown) => {
      this.failure = error as Error
    })
  }

  /** Resolves once nothing is under way any more; rejects with what it failed with. */
  async pause(): Promise<void> {
    if (this.state === 'running') this.state = 'pausing'
    await this.running
    this.assertWell()
  }

  /** Throws where a request could not be published at all. */
  assertWell(): void {
    if (this.failure !== null) throw new Error(`The publisher failed: ${this.failure.message}`, { cause: this.failure })
  }

  /** Ends it for good, at once. */
  async stop(): Promise<void> {
    this.state = 'stopped'
    await this.options.sender.close()
    await this.running
  }

  private async run(): Promise<void> {
    const { sender, records, recordsPerSecond, requestRecords } = this.options
    const requestMs = (requestRecords / recordsPerSecond) * 1_000
    for (let dueMs = performance.now(); this.state === 'running';) {
      const request = Array.from({ length: requestRecords }, () => records.next().value as ScenarioRecord)
      await sender.send(request)
      this.acknowledged += requestRecords
      // What an outage kept back is not made up for: it would only come as one burst.
      dueMs = Math.max(dueMs + requestMs, performance.now() - requestMs)
      const aheadMs = dueMs - performance.now()
      if (aheadMs > 0) await new Promise((resolve) => setTimeout(resolve, aheadMs))
    }
  }
}
