import { RiskError, type Ledger, type Logger, type RawTopic, type RecordedEntry } from '@riskledger/contracts'
import { decodeRaw, isEventTopic } from '@riskledger/events'
import { decodeInputsScreened, parseScreeningStream, readEntry, type LearnedFact } from '@riskledger/journal'
import { RelationsState, type RelationsOptions as StateOptions } from '@riskledger/relations'
import { EpochQueue, type LearnedInput } from './epoch-queue'
import { LearnedWriter, type Consumed, type RelationsCrashPoint } from './learned-writer'

/** What the worker stands on. */
export interface RelationsOptions {
  readonly ledger: Ledger
  readonly partitionCount: number
  readonly environment: string
  readonly engineHash: string
  /** Length of an event-time epoch, and the numbers by which the state works: from the policy that the journals began with. */
  readonly epochMs: number
  readonly state: StateOptions
  readonly logger: Logger
  readonly signal: AbortSignal
  /** Called at named moments, for tests that kill the process there. */
  readonly crashPoint?: (name: RelationsCrashPoint) => void
  /** After each journal entry that was folded. */
  readonly onEntry?: (consumed: Consumed) => void
}

/** Topics that tell something of a counterparty or a device. */
const TELLING: ReadonlySet<RawTopic> = new Set(['payments', 'logins', 'p2p-trades', 'outcomes', 'risk-alerts'])

/**
 * Folds all journals into what is known of counterparties and devices and writes what changed to the relations streams, until `signal` aborts.
 * Inputs of files are folded epoch by epoch, once every partition has passed the epoch; live inputs as they come, in the ledger's own order.
 */
export async function runRelations(options: RelationsOptions): Promise<void> {
  const worker = new RelationsWorker(options, await LearnedWriter.open(options.ledger, options))
  const prefix = `${options.environment}screening-`
  for await (const message of options.ledger.subscribeToAll({ after: 'start', streamPrefixes: [prefix], signal: options.signal })) {
    if (message.kind === 'entry') await worker.consume(message.entry)
  }
}

class RelationsWorker {
  private readonly state: RelationsState
  private readonly queue: EpochQueue
  private readonly topics = new Map<number, readonly RawTopic[]>()
  private readonly orderTimes: number[]
  private facts: LearnedFact[] = []
  private streamTimeMs = 0
  private told = -1

  constructor(
    private readonly options: RelationsOptions,
    private readonly writer: LearnedWriter,
  ) {
    this.state = new RelationsState(options.state)
    this.queue = new EpochQueue(options.partitionCount)
    this.orderTimes = Array.from({ length: options.partitionCount }, () => 0)
  }

  async consume(entry: RecordedEntry): Promise<void> {
    const place = parseScreeningStream(entry.stream)
    if (place === null || place.partition >= this.options.partitionCount) return
    if (entry.type === 'SegmentOpened') this.topics.set(place.partition, topicsOf(entry))
    if (entry.type !== 'InputsScreened') return
    this.foldBatch(place.partition, entry)
    const { completeEpoch } = this.queue
    if (this.facts.length > 0 || completeEpoch > this.told) {
      const facts = this.facts
      this.facts = []
      this.told = completeEpoch
      await this.writer.write({ throughEpoch: completeEpoch, consumed: { stream: entry.stream, revision: entry.revision }, facts })
    }
    this.options.onEntry?.({ stream: entry.stream, revision: entry.revision })
  }

  private foldBatch(partition: number, entry: RecordedEntry): void {
    const topics = this.topics.get(partition)
    if (topics === undefined) throw corrupt(entry, 'no SegmentOpened came before it')
    const batch = decodeInputsScreened(readEntry(entry).data)
    let live = false
    batch.forEachInput((input) => {
      if (input.orderLagMs !== null) this.orderTimes[partition] = input.brokerTimeMs + input.orderLagMs
      else live = true
      const topic = topics[input.topic]
      if (
        (input.status !== 'screened' && input.status !== 'observed') ||
        input.body === null ||
        !TELLING.has(topic) ||
        !isEventTopic(topic)
      )
        return
      const decoded = decodeRaw(topic, input.body)
      if (decoded.kind === 'rejected') throw corrupt(entry, `an input of ${topic} that was accepted cannot be decoded: ${decoded.detail}`)
      const epoch = input.orderLagMs === null ? null : Math.floor(this.orderTimes[partition] / this.options.epochMs)
      const learned: LearnedInput = {
        topic,
        event: decoded.event,
        status: input.status,
        habitDistanceCenti: input.habitDistanceCenti,
        epoch,
      }
      if (epoch === null) this.fold(learned)
      else this.queue.add(partition, learned)
    })
    if (live) this.endEpoch(-1)
    else this.queue.finish(partition, Math.floor(batch.tickMs / this.options.epochMs) - 1)
    this.queue.drain(
      (input) => this.fold(input),
      (epoch) => this.endEpoch(epoch),
    )
  }

  private fold(input: LearnedInput): void {
    if (input.event.eventTimeMs > this.streamTimeMs) this.streamTimeMs = input.event.eventTimeMs
    this.state.advance(this.streamTimeMs)
    this.state.observe({
      topic: input.topic,
      event: input.event,
      status: input.status,
      habitDistanceCenti: input.habitDistanceCenti,
      streamTimeMs: this.streamTimeMs,
    })
  }

  private endEpoch(epoch: number): void {
    for (const { kind, key, value } of this.state.takeChanged()) this.facts.push({ epoch, kind, keyToken: key, value })
  }
}

function topicsOf(entry: RecordedEntry): readonly RawTopic[] {
  return (JSON.parse(Buffer.from(entry.data).toString('utf8')) as { topics: RawTopic[] }).topics
}

function corrupt(entry: RecordedEntry, reason: string): RiskError {
  return new RiskError('ledger-corrupt', `${entry.stream}@${entry.revision}: ${reason}. Run riskledger verify.`, {
    retriable: false,
    context: { stream: entry.stream, revision: entry.revision },
  })
}
