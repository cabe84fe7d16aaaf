import { RiskError, type Ledger, type RawTopic } from '@riskledger/contracts'
import { readOrigin } from '@riskledger/events'
import { decodeInputsScreened, screeningStream, type OpenedEntry } from '@riskledger/journal'
import { openedEntries } from './read-journals'

/** One refused input, as a list shows it. */
export interface QuarantinedInput {
  readonly partition: number
  readonly sequence: number
  readonly topic: RawTopic
  readonly offset: number
  readonly reason: string
  /** When the log took it; epoch milliseconds. */
  readonly brokerTimeMs: number
  /** What its bytes claim; null where they tell none. */
  readonly eventId: string | null
  readonly accountId: string | null
  readonly source: string | null
}

/** Which to list. */
export interface QuarantineFilter {
  readonly reason?: string | undefined
  readonly topic?: string | undefined
  /** The newest so many. */
  readonly limit: number
}

/** What a look through the journals found. */
export interface QuarantineListing {
  /** Inputs that were read. */
  readonly inputs: number
  readonly quarantined: number
  /** Those of them that the filter lets through. */
  readonly matching: number
  /** The newest of those, oldest first. */
  readonly rows: readonly QuarantinedInput[]
}

/** Lists what the journals of all partitions refused. Reads them whole, each entry against the chain; throws `ledger-corrupt`. */
export async function listQuarantined(
  ledger: Ledger,
  options: QuarantineFilter & {
    readonly partitions: number
    readonly environment: string
    readonly onInputs?: (inputs: number) => void
  },
): Promise<QuarantineListing> {
  const listing = new Listing(options)
  for (let partition = 0; partition < options.partitions; partition++) {
    const stream = screeningStream(partition, 0, options.environment)
    let topics: readonly RawTopic[] = []
    try {
      for await (const entry of openedEntries(ledger, stream)) {
        if (entry.type === 'SegmentOpened') topics = (JSON.parse(Buffer.from(entry.data).toString('utf8')) as { topics: RawTopic[] }).topics
        if (entry.type !== 'InputsScreened') continue
        listing.read(entry, { topics, partition })
        options.onInputs?.(listing.inputs)
      }
    } catch (error) {
      if (!(error instanceof RiskError) || error.code !== 'stream-not-found') throw error
    }
  }
  return listing.finish()
}

class Listing {
  inputs = 0
  private quarantined = 0
  private matching = 0
  private rows: QuarantinedInput[] = []

  constructor(private readonly filter: QuarantineFilter) {}

  read(entry: OpenedEntry, { topics, partition }: { readonly topics: readonly RawTopic[]; readonly partition: number }): void {
    const { reason: onlyReason, topic: onlyTopic, limit } = this.filter
    const batch = decodeInputsScreened(entry.data)
    this.inputs += batch.forEachInput((input, index) => {
      if (input.status !== 'quarantined') return
      this.quarantined++
      const topic = topics[input.topic]
      const reason = input.reason ?? ''
      if ((onlyReason !== undefined && reason !== onlyReason) || (onlyTopic !== undefined && topic !== onlyTopic)) return
      this.matching++
      const { eventId, accountId, source } = input.body === null ? NOWHERE : readOrigin(topic, input.body)
      const { offset, brokerTimeMs } = input
      this.rows.push({ partition, sequence: batch.firstSequence + index, topic, offset, reason, brokerTimeMs, eventId, accountId, source })
      // More is held than shown, so that cutting is rare, and never more than that.
      if (this.rows.length >= 2 * limit + 1_000) this.cut()
    })
  }

  finish(): QuarantineListing {
    this.cut()
    const { inputs, quarantined, matching, rows } = this
    return { inputs, quarantined, matching, rows }
  }

  private cut(): void {
    const order = this.rows.sort((a, b) => a.brokerTimeMs - b.brokerTimeMs || a.partition - b.partition || a.sequence - b.sequence)
    this.rows = order.slice(Math.max(0, order.length - this.filter.limit))
  }
}

const NOWHERE = { eventId: null, accountId: null, source: null }
