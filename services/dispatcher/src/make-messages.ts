import { createHash } from 'node:crypto'
import { partitionFor, type RawTopic } from '@riskledger/contracts'
import {
  adviceFor,
  encodeRisk,
  fromHex,
  readOrigin,
  RISK_TOPICS,
  UUID_NAMESPACES,
  uuidV5,
  type EventOrigin,
  type RiskType,
} from '@riskledger/events'
import type { JournaledInput } from '@riskledger/journal'
import type { DispatchPlace } from './dispatch-position'
import type { DecisionOutline, ScreenedBatch } from './journal-follower'
import {
  BATCH_HEADER,
  DECISION_HEADER,
  ENTRY_HEADER,
  EVENT_HEADER,
  formatBatch,
  ID_HEADER,
  REVISION_HEADER,
  STREAM_HEADER,
} from './message-headers'
import type { OutgoingMessage } from './publisher'

/** Most bytes of keys, values and headers of one call to the publisher; one input may go past them. */
const CALL_BYTES = 512 * 1024
/** What headers add to a message, at most. */
const HEADER_BYTES = 400

/** The messages of one call to the publisher, and how far the journal is published once it has answered. */
export interface MessageBatch {
  readonly messages: readonly OutgoingMessage[]
  readonly through: DispatchPlace & { readonly entryId: string }
}

/** How messages are made. */
export interface MessageOptions {
  /** Partition of the journal. */
  readonly partition: number
  /** Partitions of the risk topics. */
  readonly topicPartitions: number
  /** Most messages of one call to the publisher; one input, which makes two at most, may go past it. */
  readonly callMessages: number
  /** What stands before the topics' names. */
  readonly topicPrefix: string
}

const TEXT = new TextEncoder()
const NOWHERE: EventOrigin = { topic: null, eventId: null, accountId: null, eventTimeMs: null, source: null }

/**
 * The messages of batches, in the journal's order: one on `risk.verdicts` for every input, one more on `risk.quarantine` for every refused one.
 * Inputs that stand before `from` are passed over. The same entries give the same values
 * with the same ids, however they are divided into calls.
 */
export function makeMessages(batches: readonly ScreenedBatch[], from: DispatchPlace, options: MessageOptions): readonly MessageBatch[] {
  const maker = new MessageMaker(options)
  for (const batch of batches) maker.add(batch, from)
  return maker.finish()
}

/** An input with everything that its messages tell. */
interface MadeInput {
  readonly batch: ScreenedBatch
  readonly sequence: number
  readonly topic: RawTopic
  readonly input: JournaledInput
  readonly origin: EventOrigin
  readonly decision: DecisionOutline | null
}

class MessageMaker {
  private readonly made: MessageBatch[] = []
  private messages: OutgoingMessage[] = []
  private bytes = 0
  private first = ''
  private last: MessageBatch['through'] | null = null

  constructor(private readonly options: MessageOptions) {}

  add(batch: ScreenedBatch, from: DispatchPlace): void {
    const { view, entry, topics, decisions } = batch
    const policyHash = fromHex(entry.metadata.policyHash)
    let next = 0
    view.forEachInput((input, index) => {
      const sequence = view.firstSequence + index
      const decision = decisions[next]?.sequence === sequence ? decisions[next++] : null
      if (entry.revision < from.revision || (entry.revision === from.revision && sequence < from.sequence)) return
      const topic = topics[input.topic]
      const origin = input.body === null ? NOWHERE : readOrigin(topic, input.body)
      const made = { batch, sequence, topic, input, origin, decision }
      if (this.messages.length === 0) this.first = formatBatch({ revision: entry.revision, sequence })
      this.put('VerdictPublished', made, verdictOf(made, this.options, policyHash))
      if (input.status === 'quarantined') this.put('QuarantinePublished', made, refusalOf(made, this.options))
      this.last = { revision: entry.revision, sequence, entryId: entry.id }
      if (this.messages.length >= this.options.callMessages || this.bytes >= CALL_BYTES) this.close()
    })
  }

  finish(): readonly MessageBatch[] {
    this.close()
    return this.made
  }

  private close(): void {
    if (this.last === null || this.messages.length === 0) return
    this.made.push({ messages: this.messages, through: this.last })
    this.messages = []
    this.bytes = 0
  }

  private put(type: RiskType, { batch, sequence, origin, decision }: MadeInput, value: Uint8Array): void {
    const { partition, topicPartitions, topicPrefix } = this.options
    const { entry } = batch
    const key = origin.accountId === null ? null : TEXT.encode(origin.accountId)
    const headers: Record<string, string> = {
      [ID_HEADER]: uuidV5(UUID_NAMESPACES.message, TEXT.encode(`${entry.id}|${RISK_TOPICS[type]}|${sequence}`)),
      [STREAM_HEADER]: entry.stream,
      [REVISION_HEADER]: String(entry.revision),
      [ENTRY_HEADER]: entry.id,
      [BATCH_HEADER]: this.first,
    }
    if (origin.eventId !== null) headers[EVENT_HEADER] = origin.eventId
    if (decision !== null) headers[DECISION_HEADER] = decision.decisionId
    const home = key === null ? partition % topicPartitions : partitionFor(key, topicPartitions)
    this.messages.push({ topic: `${topicPrefix}${RISK_TOPICS[type]}`, partition: home, key, value, headers })
    this.bytes += value.length + (key?.length ?? 0) + HEADER_BYTES
  }
}

function verdictOf(
  { sequence, topic, input, origin, decision }: MadeInput,
  { partition }: MessageOptions,
  policyHash: Uint8Array,
): Uint8Array {
  const { offset, brokerTimeMs, status, verdict, lateByMs, firstSequence } = input
  return encodeRisk('VerdictPublished', {
    partition,
    sequence,
    topic,
    offset,
    brokerTimeMs,
    eventId: origin.eventId,
    accountId: origin.accountId,
    eventTimeMs: origin.eventTimeMs,
    status,
    verdict,
    scorePoints: status === 'screened' || (status === 'late' && isScored(topic)) ? input.scorePoints : null,
    decisionId: decision?.decisionId ?? null,
    reasonCodes: decision?.reasonCodes ?? [],
    lateByMs,
    firstSequence,
    policyHash,
  })
}

/** A late event of these topics is scored on what needs no window. */
function isScored(topic: RawTopic): boolean {
  return topic === 'payments' || topic === 'logins' || topic === 'p2p-trades'
}

function refusalOf({ sequence, topic, input, origin }: MadeInput, { partition }: MessageOptions): Uint8Array {
  const { offset, brokerTimeMs, body } = input
  const reason = input.reason ?? 'unknown'
  const { meaning, repair } = adviceFor(reason)
  return encodeRisk('QuarantinePublished', {
    partition,
    sequence,
    topic,
    offset,
    brokerTimeMs,
    eventId: origin.eventId,
    accountId: origin.accountId,
    eventTimeMs: origin.eventTimeMs,
    source: origin.source,
    reason,
    advice: `${meaning.charAt(0).toUpperCase()}${meaning.slice(1)}. ${repair}.`,
    valueSha256: body === null ? input.bodySha256! : createHash('sha256').update(body).digest(),
    valueLengthBytes: input.bodyLengthBytes,
  })
}
