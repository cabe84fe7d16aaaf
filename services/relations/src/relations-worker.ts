import { RiskError, type EventTopic, type Ledger, type Logger, type RawTopic, type RecordedEntry } from '@riskledger/contracts'
import { decodeInputsScreened, parseScreeningStream, readEntry, type LearnedFact } from '@riskledger/journal'
import { RelationsState, type RelationsOptions as StateOptions } from '@riskledger/relations'
import type { LoopTimers } from '@riskledger/runtime'
import { EpochQueue } from './epoch-queue'
import { InputBlock } from './input-block'
import { emptyQueuedInput, type QueuedInput } from './input-columns'
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
  /** How it waits between two tries; default: as the process does. */
  readonly sleep?: LoopTimers['sleep']
  /** After each journal entry that was folded. */
  readonly onEntry?: (consumed: Consumed) => void
}

/** Topics that tell something of a counterparty or a device. */
const TELLING: readonly EventTopic[] = ['payments', 'logins', 'p2p-trades', 'outcomes', 'risk-alerts']

/**
 * Folds all journals into what is known of counterparties and devices and writes what changed to the relations streams, until `signal` aborts.
 * Inputs of files are folded epoch by epoch, once the clock of every partition's journal has passed the epoch; live inputs, and those of a file that come
 * behind the clock of their partition, as they come, in the ledger's own order.
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
  /** By partition: for each topic of its journal its number in `TELLING`, or -1. */
  private readonly topics = new Map<number, Int8Array>()
  private readonly orderTimes: Float64Array
  private readonly block: InputBlock
  private readonly arriving = emptyQueuedInput()
  private facts: LearnedFact[] = []
  private told = -1

  constructor(
    private readonly options: RelationsOptions,
    private readonly writer: LearnedWriter,
  ) {
    this.state = new RelationsState(options.state)
    this.queue = new EpochQueue(options.partitionCount)
    this.orderTimes = new Float64Array(options.partitionCount)
    this.block = new InputBlock(this.state)
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
    const { data } = readEntry(entry)
    const { epochMs } = this.options
    const arriving = this.arriving
    arriving.source = { stream: entry.stream, revision: entry.revision, data }
    const batch = decodeInputsScreened(data)
    let atOnce = false
    batch.forEachInput((input) => {
      const { orderLagMs, status, bodyAt } = input
      if (orderLagMs !== null) this.orderTimes[partition] = input.brokerTimeMs + orderLagMs
      const topic = topics[input.topic | 0]
      if ((status !== 'screened' && status !== 'observed') || bodyAt < 0 || !(topic >= 0)) return
      arriving.from = bodyAt
      arriving.length = input.bodyLengthBytes
      arriving.topic = topic
      arriving.status = status
      arriving.habitDistanceCenti = input.habitDistanceCenti
      const waits = orderLagMs !== null && this.queue.add(partition, arriving, Math.floor(this.orderTimes[partition] / epochMs))
      if (waits) return
      this.fold(arriving)
      atOnce = true
    })
    if (atOnce) this.endEpoch(-1)
    // Whatever moved the clock: a live batch too says how far its partition is, and the others wait for that.
    this.queue.finish(partition, Math.floor(batch.tickMs / epochMs) - 1)
    this.queue.drain(
      (input) => this.fold(input),
      (epoch) => this.endEpoch(epoch),
    )
  }

  private fold(input: QueuedInput): void {
    const topic = TELLING[input.topic]
    if (!this.block.add(topic, input)) throw corrupt(input.source, `an input of ${topic} that was accepted cannot be decoded`)
  }

  private endEpoch(epoch: number): void {
    this.block.fold()
    for (const { kind, key, value } of this.state.takeChanged()) this.facts.push({ epoch, kind, keyToken: key, value })
  }
}

/** For each topic of the journal its number in `TELLING`, or -1. */
function topicsOf(entry: RecordedEntry): Int8Array {
  const { topics } = JSON.parse(Buffer.from(entry.data).toString('utf8')) as { topics: RawTopic[] }
  return Int8Array.from(topics, (topic) => (TELLING as readonly RawTopic[]).indexOf(topic))
}

function corrupt(entry: { readonly stream: string; readonly revision: number }, reason: string): RiskError {
  return new RiskError('ledger-corrupt', `${entry.stream}@${entry.revision}: ${reason}. Run riskledger verify.`, {
    retriable: false,
    context: { stream: entry.stream, revision: entry.revision },
  })
}
