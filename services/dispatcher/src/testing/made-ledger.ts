import { createHash } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import { RAW_TOPICS, topicIndexOf, type EventTopic, type InputStatus, type RawTopic, type Verdict } from '@riskledger/contracts'
import { encodeLedgerJson, encodeRaw, type RawInputs } from '@riskledger/events'
import {
  AvroWriter,
  decisionId,
  emptyHead,
  emptyInput,
  encodeInputsScreened,
  screeningStream,
  sealEntry,
  writeInput,
  type ChainHead,
  type UnsealedEntry,
} from '@riskledger/journal'
import { MemoryLedger } from '@riskledger/testing'

export const POLICY_HASH = '9f'.repeat(32)
const ENGINE_HASH = 'e'.repeat(64)
const TIME_MS = 1_778_697_618_000

/** An input and what became of it. */
export interface MadeInput {
  readonly topic: RawTopic
  /** The record's value; a number: that many bytes, of which only the digest was kept. */
  readonly body: Uint8Array | number
  readonly status: InputStatus
  readonly reason?: string
  readonly verdict?: Verdict
  readonly scorePoints?: number
  readonly lateByMs?: number
  readonly firstSequence?: number
}

/** A payment of an account, screened. */
export function payment(accountId: string, number: number, verdict: Verdict = 'allow'): MadeInput {
  return {
    topic: 'payments',
    body: paymentBody(accountId, number),
    status: 'screened',
    verdict,
    scorePoints: verdict === 'allow' ? 3 : 742,
  }
}

export function paymentBody(accountId: string, number: number): Uint8Array {
  return bodyOf('payments', {
    eventId: eventIdOf(number),
    accountId,
    eventTimeMs: TIME_MS + number,
    source: 'checkout',
    paymentId: `p-${number}`,
    kind: 'purchase',
    phase: 'requested',
    direction: 'debit',
    amountMinor: 300_000,
    currency: 'USD',
    amountReferenceMinor: 300_000,
    counterpartyId: 'm-0071',
    counterpartyKind: 'merchant',
    method: 'card',
    payerNameMatch: 'unknown',
  })
}

export function eventIdOf(number: number): string {
  return `0192f3c4-5b6a-7c8d-9e0f-${String(number).padStart(12, '0')}`
}

function bodyOf<T extends EventTopic>(topic: T, event: RawInputs[T]): Uint8Array {
  return encodeRaw(topic, event).slice()
}

/** A ledger in memory with journals written by hand, entry by entry. */
export class MadeLedger {
  readonly ledger = new MemoryLedger()
  private readonly journals = new Map<number, { head: ChainHead; nextSequence: number; readonly offsets: number[] }>()

  constructor(private readonly environment = '') {}

  streamOf(partition: number): string {
    return screeningStream(partition, 0, this.environment)
  }

  /** The first entries of a partition's journal. */
  async open(partition: number, partitionCount = 1): Promise<void> {
    const zeros = RAW_TOPICS.map(() => 0)
    this.journals.set(partition, { head: emptyHead(this.streamOf(partition)), nextSequence: 1, offsets: [...zeros] })
    const segment = { partition, segment: 0, partitionCount, topics: [...RAW_TOPICS], nextOffsets: zeros }
    const hash = '0'.repeat(64)
    await this.append(partition, [json('SegmentOpened', { ...segment, stateHash: hash, dedupeKey: '00'.repeat(16) })])
    await this.beginTenure(partition)
  }

  /** An entry that holds nothing to publish. */
  async beginTenure(partition: number): Promise<void> {
    await this.append(partition, [
      json('TenureBegan', { workerId: 'w-1', generation: 1, engineHash: ENGINE_HASH, stateHash: '0'.repeat(64) }),
    ])
  }

  /** One append: the inputs, and a decision for every verdict other than `allow`; `skipDecisions` leaves the last so many of them out. */
  async screen(partition: number, inputs: readonly MadeInput[], { skipDecisions = 0 } = {}): Promise<void> {
    const journal = this.journals.get(partition)!
    const firstSequence = journal.nextSequence
    const writer = new AvroWriter()
    const decided: number[] = []
    for (const input of inputs) {
      const topic = topicIndexOf(input.topic)
      const { body } = input
      writeInput(writer, {
        ...emptyInput(),
        topic,
        offset: journal.offsets[topic]++,
        brokerTimeMs: TIME_MS,
        ...(typeof body === 'number'
          ? { body: null, bodySha256: createHash('sha256').update(String(body)).digest(), bodyLengthBytes: body }
          : { body, bodySha256: null, bodyLengthBytes: body.length }),
        status: input.status,
        reason: input.reason ?? null,
        verdict: input.verdict ?? null,
        scorePoints: input.scorePoints ?? 0,
        lateByMs: input.lateByMs ?? null,
        firstSequence: input.firstSequence ?? null,
      })
      if (input.verdict !== undefined && input.verdict !== 'allow') decided.push(journal.nextSequence)
      journal.nextSequence++
    }
    const data = encodeInputsScreened({
      firstSequence,
      tickMs: TIME_MS,
      positions: [],
      gaps: [],
      factCount: 0,
      factBytes: new Uint8Array(0),
      inputCount: inputs.length,
      inputBytes: writer.view(),
    })
    const metadata = { engineHash: ENGINE_HASH, policyHash: POLICY_HASH, firstSequence, lastSequence: journal.nextSequence - 1 }
    const entry: UnsealedEntry = { type: 'InputsScreened', contentType: 'binary', data, deflated: deflateRawSync(data), metadata }
    const { id } = sealEntry(journal.head, entry).proposed
    const decisions = decided
      .slice(0, decided.length - skipDecisions)
      .map((sequence, index) => decisionOf(inputs[sequence - firstSequence], { sequence, id: decisionId(id, index) }))
    await this.append(partition, [entry, ...decisions])
  }

  /** The entries of what was written but not appended yet are sealed and appended at once. */
  private async append(partition: number, entries: readonly UnsealedEntry[]): Promise<void> {
    const journal = this.journals.get(partition)!
    const expected = journal.head.revision
    const proposed = entries.map((entry) => {
      const sealed = sealEntry(journal.head, entry)
      journal.head = sealed.head
      return sealed.proposed
    })
    await this.ledger.append(this.streamOf(partition), expected < 0 ? 'no-stream' : expected, proposed)
  }
}

function decisionOf(input: MadeInput, { sequence, id }: { readonly sequence: number; readonly id: string }): UnsealedEntry {
  return json('DecisionMade', {
    decisionId: id,
    sequence,
    eventId: eventIdOf(sequence),
    accountId: 'a-1',
    eventTimeMs: TIME_MS,
    subject: { topic: 'payments', businessId: 'p-1' },
    verdict: input.verdict,
    scorePoints: input.scorePoints ?? 0,
    signals: [],
    combinations: [],
    reasonCodes: ['amount-deviation', 'velocity'],
    facts: [],
    ladderBefore: 'none',
    ladderAfter: 'none',
  })
}

function json(type: Parameters<typeof encodeLedgerJson>[0], content: object): UnsealedEntry {
  const data = encodeLedgerJson(type, content as never)
  return { type, contentType: 'json', data, metadata: { engineHash: ENGINE_HASH, policyHash: POLICY_HASH } }
}
