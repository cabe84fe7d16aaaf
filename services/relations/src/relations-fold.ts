import { RiskError, type RawTopic, type RecordedEntry } from '@riskledger/contracts'
import { decodeInputsScreened, parseScreeningStream, readEntry, type LearnedFact } from '@riskledger/journal'
import {
  countsForRelations,
  RELATIONS_TOPICS,
  RelationsState,
  type RelationsCounters,
  type RelationsOptions as StateOptions,
} from '@riskledger/relations'
import type { ByteReader, ByteWriter } from '@riskledger/windows'
import { EpochQueue } from './epoch-queue'
import { InputBlock } from './input-block'
import { emptyQueuedInput, type QueuedInput } from './input-columns'

/** What all journals say that are folded together. */
export interface FoldOptions {
  readonly partitionCount: number
  /** Length of an event-time epoch in ms, and the numbers by which the state works: from the policy that the journals began with. */
  readonly epochMs: number
  readonly state: StateOptions
}

/** Things that were counted because a limit was reached or something did not fit. */
export interface PassedOver extends Readonly<RelationsCounters> {
  /** Payments and trades forgotten before their time, for lack of room. */
  readonly forgottenEarly: number
}

/** What an entry of a journal taught. */
export interface Learned {
  /** The last epoch that every partition's journal is past; -1 before the first. */
  readonly throughEpoch: number
  readonly facts: readonly LearnedFact[]
}

/**
 * What is known of counterparties and devices after some entries of all journals, in the ledger's order. Inputs of files are folded epoch by epoch, once
 * the clock of every partition's journal has passed the epoch; live inputs, and those of a file that come behind the clock of their partition, as they come.
 */
export class RelationsFold {
  private readonly state: RelationsState
  private readonly queue: EpochQueue
  /** By partition: for each topic of its journal its number in `RELATIONS_TOPICS`, or -1; null before its first entry. */
  private readonly topics: (Int8Array | null)[]
  private readonly orderTimes: Float64Array
  private readonly block: InputBlock
  private readonly arriving = emptyQueuedInput()
  private facts: LearnedFact[] = []
  private told = -1

  constructor(private readonly options: FoldOptions) {
    this.state = new RelationsState(options.state)
    this.queue = new EpochQueue(options.partitionCount)
    this.topics = Array.from({ length: options.partitionCount }, () => null)
    this.orderTimes = new Float64Array(options.partitionCount)
    this.block = new InputBlock(this.state)
  }

  /** What was not taken in so far, or forgotten early, since the journals began. */
  get passedOver(): PassedOver {
    return { ...this.state.counters, forgottenEarly: this.state.queue.forgottenEarly }
  }

  /** Takes the next entry of a journal in; null for one without inputs, else how many it had, and what it taught, if anything. Throws `ledger-corrupt`. */
  fold(entry: RecordedEntry): { readonly inputs: number; readonly learned: Learned | null } | null {
    const partition = parseScreeningStream(entry.stream)?.partition ?? Infinity
    if (partition >= this.options.partitionCount) return null
    if (entry.type === 'SegmentOpened') this.topics[partition] = topicsOf(entry)
    if (entry.type !== 'InputsScreened') return null
    const inputs = this.foldBatch(partition, entry)
    const { facts, queue } = this
    const { completeEpoch } = queue
    if (facts.length === 0 && completeEpoch <= this.told) return { inputs, learned: null }
    this.facts = []
    this.told = completeEpoch
    return { inputs, learned: { throughEpoch: completeEpoch, facts } }
  }

  private foldBatch(partition: number, entry: RecordedEntry): number {
    const topics = this.topics[partition]
    if (topics === null) throw corrupt(entry, 'no SegmentOpened came before it')
    const { data } = readEntry(entry)
    const { epochMs } = this.options
    const arriving = this.arriving
    arriving.source = { stream: entry.stream, revision: entry.revision, data }
    const batch = decodeInputsScreened(data)
    let inputs = 0
    let atOnce = false
    batch.forEachInput((input) => {
      inputs++
      const { orderLagMs, status, bodyAt } = input
      if (orderLagMs !== null) this.orderTimes[partition] = input.brokerTimeMs + orderLagMs
      const topic = topics[input.topic | 0]
      if (bodyAt < 0 || !(topic >= 0) || !countsForRelations(RELATIONS_TOPICS[topic], status)) return
      arriving.from = bodyAt
      arriving.length = input.bodyLengthBytes
      arriving.topic = topic
      arriving.status = status
      arriving.habitDistanceCenti = input.habitDistanceCenti
      const waits = orderLagMs !== null && this.queue.add(partition, arriving, Math.floor(this.orderTimes[partition] / epochMs))
      if (waits) return
      this.foldInput(arriving)
      atOnce = true
    })
    if (atOnce) this.endEpoch(-1)
    // Whatever moved the clock: a live batch too says how far its partition is, and the others wait for that.
    this.queue.finish(partition, Math.floor(batch.tickMs / epochMs) - 1)
    this.queue.drain(
      (input) => this.foldInput(input),
      (epoch) => this.endEpoch(epoch),
    )
    return inputs
  }

  private foldInput(input: QueuedInput): void {
    const topic = RELATIONS_TOPICS[input.topic]
    if (!this.block.add(topic, input)) throw corrupt(input.source, `an input of ${topic} that was accepted cannot be decoded`)
  }

  private endEpoch(epoch: number): void {
    this.block.fold()
    for (const { kind, key, value } of this.state.takeChanged()) this.facts.push({ epoch, kind, keyToken: key, value })
  }

  /** Writes everything that is needed to go on with the next entry. */
  write(writer: ByteWriter): void {
    writer.f64(this.told)
    writer.f64(this.block.streamTimeMs)
    for (const [partition, topics] of this.topics.entries()) {
      writer.f64(this.orderTimes[partition])
      writer.bytes(Uint8Array.from(topics ?? []))
    }
    this.queue.write(writer)
    this.state.writeSnapshot(writer)
  }

  /** Fills a fresh fold from what `write` wrote. Throws `snapshot-unusable`. */
  read(reader: ByteReader): void {
    this.told = reader.f64()
    this.block.streamTimeMs = reader.f64()
    for (let partition = 0; partition < this.topics.length; partition++) {
      this.orderTimes[partition] = reader.f64()
      const topics = reader.bytes()
      this.topics[partition] = topics.length === 0 ? null : Int8Array.from(topics)
    }
    this.queue.read(reader)
    this.state.readSnapshot(reader)
  }
}

/** For each topic of the journal its number in `RELATIONS_TOPICS`, or -1. */
function topicsOf(entry: RecordedEntry): Int8Array {
  const { topics } = JSON.parse(Buffer.from(entry.data).toString('utf8')) as { topics: RawTopic[] }
  return Int8Array.from(topics, (topic) => (RELATIONS_TOPICS as readonly RawTopic[]).indexOf(topic))
}

function corrupt(entry: { readonly stream: string; readonly revision: number }, reason: string): RiskError {
  return new RiskError('ledger-corrupt', `${entry.stream}@${entry.revision}: ${reason}. Run riskledger verify.`, {
    retriable: false,
    context: { stream: entry.stream, revision: entry.revision },
  })
}
