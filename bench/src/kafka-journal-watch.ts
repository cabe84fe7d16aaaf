import { build, type Histogram } from 'hdr-histogram-js'
import { RAW_TOPICS, type EventTopic, type Ledger } from '@riskledger/contracts'
import { eventTimeOf } from '@riskledger/events'
import { decodeInputsScreened, readEntry, readMetadata, screeningStream } from '@riskledger/journal'

/** Follows the journals of all partitions and tells how far they are, and how late their inputs are behind their own event times. */
export class JournalWatch {
  inputs = 0
  /** Milliseconds from an input's event time to its receipt here, while `measuring`. */
  readonly latencyMs: Histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 600_000, numberOfSignificantValueDigits: 3 })
  measuring = false
  private readonly seen: number[]
  private readonly ending = new AbortController()
  private readonly following: Promise<unknown>
  private failure: unknown
  private waiting: { readonly holds: () => boolean; readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = []

  constructor(
    private readonly ledger: Ledger,
    options: { readonly partitionCount: number; readonly environment: string },
  ) {
    this.seen = Array.from({ length: options.partitionCount }, () => 0)
    this.following = Promise.all(
      this.seen.map((_, partition) => this.follow(screeningStream(partition, 0, options.environment), partition)),
    ).catch((error: unknown) => {
      this.failure = error
      for (const { reject } of this.waiting) reject(error)
    })
  }

  /** Resolves once `holds`, asked after each entry; rejects where the journals cannot be followed, or after `timeoutMs`. */
  until(holds: () => boolean, timeoutMs: number): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      if (this.failure !== undefined)
        return reject(this.failure instanceof Error ? this.failure : new Error('the journals cannot be followed'))
      if (holds()) return resolve()
      const timer = setTimeout(() => reject(new Error(`not reached within ${timeoutMs} ms: ${this.inputs} inputs`)), timeoutMs)
      this.waiting.push({
        holds,
        resolve: () => {
          clearTimeout(timer)
          resolve()
        },
        reject,
      })
    })
  }

  async close(): Promise<void> {
    this.ending.abort()
    await this.following
  }

  private async follow(stream: string, partition: number): Promise<void> {
    for await (const message of this.ledger.subscribeToStream(stream, { after: 'start', signal: this.ending.signal })) {
      if (message.kind !== 'entry' || message.entry.type !== 'InputsScreened') continue
      const last = readMetadata(message.entry.metadata)?.lastSequence ?? this.seen[partition]
      this.inputs += last - this.seen[partition]
      this.seen[partition] = last
      if (this.measuring) this.measure(readEntry(message.entry).data)
      this.waiting = this.waiting.filter(({ holds, resolve }) => {
        if (!holds()) return true
        resolve()
        return false
      })
    }
  }

  private measure(data: Uint8Array): void {
    const nowMs = Date.now()
    decodeInputsScreened(data).forEachInput(({ topic, bodyAt, bodyLengthBytes }) => {
      const eventTimeMs = eventTimeOf(RAW_TOPICS[topic] as EventTopic, data.subarray(bodyAt, bodyAt + bodyLengthBytes))
      if (eventTimeMs !== null) this.latencyMs.recordValue(Math.max(0, nowMs - eventTimeMs))
    })
  }
}
