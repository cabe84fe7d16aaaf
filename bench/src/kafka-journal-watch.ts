import { build, type Histogram } from 'hdr-histogram-js'
import { RAW_TOPICS, type EventTopic, type Ledger, type RecordedEntry } from '@riskledger/contracts'
import { eventTimeOf } from '@riskledger/events'
import { decodeInputsScreened, readEntry, screeningStream, type InputsScreenedView } from '@riskledger/journal'
import { balanceOf, OffsetBalance, type Balance } from './kafka-offset-balance'

/** Follows the journals of all partitions and tells how far they are, and how late their inputs are behind their own event times. */
export class JournalWatch {
  /** Milliseconds from an input's event time to its receipt here, while `measuring`. */
  readonly latencyMs: Histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 3_600_000, numberOfSignificantValueDigits: 3 })
  measuring = false
  /** How often a partition got inputs for the first time after a `TenureBegan`. */
  resumptions = 0
  private readonly balances: readonly OffsetBalance[]
  private readonly tookOver = new Set<number>()
  private readonly ending = new AbortController()
  private readonly following: Promise<unknown>
  private failure: unknown
  private waiting: { readonly holds: () => boolean; readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = []

  constructor(
    private readonly ledger: Pick<Ledger, 'subscribeToStream'>,
    options: { readonly partitionCount: number; readonly environment: string },
  ) {
    this.balances = Array.from({ length: options.partitionCount }, () => new OffsetBalance())
    this.following = Promise.all(
      this.balances.map((_, partition) => this.follow(screeningStream(partition, 0, options.environment), partition)),
    ).catch((error: unknown) => {
      this.failure = error
      for (const { reject } of this.waiting) reject(error)
    })
  }

  /** Records that are in the journals, each counted once. */
  get inputs(): number {
    return this.balances.reduce((sum, { inputs }) => sum + inputs, 0)
  }

  /** Holds what came so far against the ends of the raw topics, `[partition][topic]`, and the number of records that were published. */
  balance(due: { readonly ends: readonly (readonly number[])[]; readonly published: number }): Balance {
    return balanceOf(this.balances, due)
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
        reject: (error) => {
          clearTimeout(timer)
          reject(error instanceof Error ? error : new Error('the journals cannot be followed'))
        },
      })
    })
  }

  async close(): Promise<void> {
    this.ending.abort()
    await this.following
  }

  private async follow(stream: string, partition: number): Promise<void> {
    for await (const message of this.ledger.subscribeToStream(stream, { after: 'start', signal: this.ending.signal })) {
      if (message.kind !== 'entry') continue
      if (message.entry.type === 'TenureBegan') this.tookOver.add(partition)
      if (message.entry.type !== 'InputsScreened') continue
      this.take(message.entry, partition)
      this.waiting = this.waiting.filter(({ holds, resolve }) => {
        if (!holds()) return true
        resolve()
        return false
      })
    }
  }

  private take(entry: RecordedEntry, partition: number): void {
    const { data, metadata } = readEntry(entry)
    const batch = decodeInputsScreened(data)
    // What the entry's inputs are counted by: to visit them all would take from the cores that are measured.
    const inputCount = metadata.lastSequence! - metadata.firstSequence! + 1
    this.balances[partition].take({ positions: batch.positions, gaps: batch.gaps, inputCount })
    if (this.tookOver.delete(partition)) this.resumptions++
    if (this.measuring) this.measure(batch, data)
  }

  private measure(batch: InputsScreenedView, data: Uint8Array): void {
    const nowMs = Date.now()
    batch.forEachInput(({ topic, bodyAt, bodyLengthBytes }) => {
      const eventTimeMs = eventTimeOf(RAW_TOPICS[topic] as EventTopic, data.subarray(bodyAt, bodyAt + bodyLengthBytes))
      if (eventTimeMs !== null) this.latencyMs.recordValue(Math.max(0, nowMs - eventTimeMs))
    })
  }
}
