import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Receipt, Sender } from './publisher'
import type { ScenarioRecord } from './scenario-records'

/** How long the gateway may be away, or refuse because it is not well. */
const PATIENCE_MS = 120_000
const RETRY_MS = 50
const REQUEST_LIMIT_MS = 15_000

/** A record of an event: what the gateway is to make of its JSON. */
type EventRecord = ScenarioRecord & { readonly event: NonNullable<ScenarioRecord['event']> }

/**
 * Publishes events over HTTP and keeps every receipt. The same events again, with the same ids, for as long as it gets no 202. Throws where a receipt is not
 * of the record that the event must become: whether that lies where it says is for the checker to see.
 */
export class GatewaySender implements Sender {
  readonly receipts: Receipt[] = []
  /** Requests that got no answer, or one that says to try again. */
  refused = 0
  private closed = false

  constructor(private readonly url: string) {}

  async send(records: readonly ScenarioRecord[]): Promise<void> {
    const byTopic = new Map<string, EventRecord[]>()
    for (const record of records) if (isEvent(record)) byTopic.set(record.topic, [...(byTopic.get(record.topic) ?? []), record])
    for (const [topic, events] of byTopic) await this.post(topic, events)
  }

  close(): Promise<void> {
    this.closed = true
    return Promise.resolve()
  }

  private async post(topic: string, records: readonly EventRecord[]): Promise<void> {
    const deadlineMs = performance.now() + PATIENCE_MS
    const events = records.map(({ event }) => event.json)
    for (;;) {
      const answer = await this.ask(topic, events)
      if (answer?.status === 202) {
        const receipts = JSON.parse(answer.text) as Receipt[]
        assertOf(records, receipts)
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

function isEvent(record: ScenarioRecord): record is EventRecord {
  return record.event !== null
}

/** The digest of a receipt is the gateway's own: only what was published says what it must be. */
function assertOf(records: readonly EventRecord[], receipts: readonly Receipt[]): void {
  if (receipts.length !== records.length) throw new Error(`${records.length} events got ${receipts.length} receipts`)
  for (const [index, { topic, partition, value }] of records.entries()) {
    const wanted = createHash('sha256').update(value).digest('hex')
    const { topic: where, partition: home, offset, digest } = receipts[index]
    if (where === topic && home === partition && digest === wanted) continue
    throw new Error(
      `event ${index + 1} of ${records.length} is ${wanted} of ${topic}/${partition}, and its receipt is of ${digest} at ${where}/${home}@${offset}`,
    )
  }
}
