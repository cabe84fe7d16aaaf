import { setTimeout as sleep } from 'node:timers/promises'
import type { Receipt, Sender } from './publisher'
import type { ScenarioRecord } from './scenario-records'

/** How long the gateway may be away, or refuse because it is not well. */
const PATIENCE_MS = 120_000
const RETRY_MS = 50
const REQUEST_LIMIT_MS = 15_000

/** Publishes events over HTTP and keeps every receipt. The same events again, with the same ids, for as long as it gets no 202. */
export class GatewaySender implements Sender {
  readonly receipts: Receipt[] = []
  /** Requests that got no answer, or one that says to try again. */
  refused = 0
  private closed = false

  constructor(private readonly url: string) {}

  async send(records: readonly ScenarioRecord[]): Promise<void> {
    const byTopic = new Map<string, object[]>()
    for (const { event } of records) if (event !== null) byTopic.set(event.topic, [...(byTopic.get(event.topic) ?? []), event.json])
    for (const [topic, events] of byTopic) await this.post(topic, events)
  }

  close(): Promise<void> {
    this.closed = true
    return Promise.resolve()
  }

  private async post(topic: string, events: readonly object[]): Promise<void> {
    const deadlineMs = performance.now() + PATIENCE_MS
    for (;;) {
      const answer = await this.ask(topic, events)
      if (answer?.status === 202) {
        const receipts = JSON.parse(answer.text) as Receipt[]
        if (receipts.length !== events.length) throw new Error(`${events.length} events got ${receipts.length} receipts`)
        this.receipts.push(...receipts)
        return
      }
      this.refused++
      const mayTryAgain = answer === null || answer.status === 429 || answer.status >= 500
      if (this.closed || !mayTryAgain || performance.now() > deadlineMs)
        throw new Error(`POST /v1/events/${topic}: ${answer === null ? 'no answer' : `${answer.status} ${answer.text}`}`)
      await sleep(RETRY_MS)
    }
  }

  /** Null where no whole answer came. */
  private async ask(topic: string, events: readonly object[]): Promise<{ readonly status: number; readonly text: string } | null> {
    try {
      const response = await fetch(`${this.url}/v1/events/${topic}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(events),
        signal: AbortSignal.timeout(REQUEST_LIMIT_MS),
      })
      return { status: response.status, text: await response.text() }
    } catch (error) {
      // By name, since tests run in a realm of their own. It is what fetch rejects with when a process is killed under it, or has not begun to listen.
      if (['TypeError', 'TimeoutError'].includes((error as Error).name)) return null
      throw error
    }
  }
}
