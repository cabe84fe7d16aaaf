import type { ProposedEntry } from '@riskledger/contracts'
import { encodeLedgerJson } from '@riskledger/events'
import {
  AvroWriter,
  decisionId,
  deflateEntry,
  encodeInputsScreened,
  sealEntry,
  writeFact,
  writeInput,
  type ChainHead,
  type Gap,
  type JournaledFact,
  type JournaledInput,
  type TopicPosition,
} from '@riskledger/journal'
import { encodeAnswer, type AnswerDraft } from './answer-given'
import type { DecisionDraft } from './screening-step'

/** A batch is closed once its plain inputs, facts, decisions, answers and metadata reach this many bytes. */
export const BATCH_BYTES = 512 * 1024
/** What one entry's metadata takes, for the count. */
const METADATA_BYTES = 420
/** Room for inputs and for facts at first; a partition whose batches are small needs no more, and one at full load has doubled it within a few batches. */
const FIRST_BYTES = 16 * 1024
const DECISION_ID_AT = '{"decisionId":"'.length
const NO_ID = '00000000-0000-0000-0000-000000000000'

/** A decision as its entry holds it. */
export interface RecordedDecision extends DecisionDraft {
  readonly decisionId: string
}

/** A batch with its place in the chain: one append. */
export interface SealedBatch {
  readonly entries: readonly ProposedEntry[]
  readonly head: ChainHead
  readonly firstSequence: number
  readonly inputCount: number
  readonly decisions: readonly RecordedDecision[]
}

/** What closes a batch. */
export interface BatchClosing {
  readonly previous: ChainHead
  readonly tickMs: number
  readonly positions: readonly TopicPosition[]
  readonly gaps: readonly Gap[]
  readonly engineHash: string
  readonly policyHash: string
}

/** Collects screened inputs, their facts, decisions and answers until they fill an append. Reused from batch to batch. */
export class BatchBuilder {
  inputCount = 0
  private readonly inputs = new AvroWriter(FIRST_BYTES)
  private readonly facts = new AvroWriter(FIRST_BYTES)
  private factCount = 0
  private followingBytes = 0
  private decisions: { readonly draft: DecisionDraft; readonly json: Uint8Array }[] = []
  private answers: { readonly sequence: number; readonly json: Uint8Array }[] = []

  /** True once the batch must be closed before the next input. */
  get full(): boolean {
    return this.inputs.position + this.facts.position + this.followingBytes + METADATA_BYTES >= BATCH_BYTES
  }

  add(input: JournaledInput, facts: readonly JournaledFact[], decision: DecisionDraft | null): void {
    writeInput(this.inputs, input)
    this.inputCount++
    for (const fact of facts) writeFact(this.facts, fact)
    this.factCount += facts.length
    if (decision !== null) {
      const json = encodeDecision(decision)
      this.decisions.push({ draft: decision, json })
      this.followingBytes += json.length + METADATA_BYTES
    }
  }

  /** Adds what the input added last says that a caller was told. */
  addAnswer(answer: AnswerDraft): void {
    const json = encodeAnswer(answer)
    this.answers.push({ sequence: answer.sequence, json })
    this.followingBytes += json.length + METADATA_BYTES
  }

  /** Seals what was collected, in the order `InputsScreened`, the decisions, the answers, and starts anew. */
  close(firstSequence: number, closing: BatchClosing): SealedBatch {
    const inputCount = this.inputCount
    const plain = encodeInputsScreened({
      firstSequence,
      tickMs: closing.tickMs,
      positions: closing.positions,
      gaps: closing.gaps,
      factCount: this.factCount,
      factBytes: this.facts.view(),
      inputCount,
      inputBytes: this.inputs.view(),
    })
    const metadata = {
      engineHash: closing.engineHash,
      policyHash: closing.policyHash,
      firstSequence,
      lastSequence: firstSequence + inputCount - 1,
    }
    const inputs = sealEntry(closing.previous, {
      type: 'InputsScreened',
      contentType: 'binary',
      data: plain,
      deflated: deflateEntry(plain),
      metadata,
    })
    const entries = [inputs.proposed]
    let head = inputs.head
    const follow = (type: 'DecisionMade' | 'AnswerGiven', sequence: number, data: Uint8Array): void => {
      const of = { engineHash: closing.engineHash, policyHash: closing.policyHash, firstSequence: sequence, lastSequence: sequence }
      const sealed = sealEntry(head, { type, contentType: 'json', data, metadata: of })
      entries.push(sealed.proposed)
      head = sealed.head
    }
    const decisions = this.decisions.map(({ draft, json }, index) => {
      const id = decisionId(inputs.proposed.id, index)
      follow('DecisionMade', draft.sequence, withDecisionId(json, id))
      return { ...draft, decisionId: id }
    })
    for (const { sequence, json } of this.answers) follow('AnswerGiven', sequence, json)
    this.reset()
    return { entries, head, firstSequence, inputCount, decisions }
  }

  private reset(): void {
    this.inputs.reset()
    this.facts.reset()
    this.inputCount = 0
    this.factCount = 0
    this.followingBytes = 0
    this.decisions = []
    this.answers = []
  }
}

/** The canonical JSON of a decision, its id left open. */
export function encodeDecision(draft: DecisionDraft): Uint8Array {
  return encodeLedgerJson('DecisionMade', {
    decisionId: NO_ID,
    sequence: draft.sequence,
    eventId: draft.eventId,
    accountId: draft.accountId,
    eventTimeMs: draft.eventTimeMs,
    subject: draft.subject,
    verdict: draft.verdict,
    scorePoints: draft.scorePoints,
    signals: draft.signals,
    combinations: draft.combinations,
    reasonCodes: draft.reasonCodes,
    facts: draft.facts,
    ladderBefore: 'none',
    ladderAfter: 'none',
  })
}

/** Puts the id into a decision's JSON, whose first field it is. */
export function withDecisionId(json: Uint8Array, id: string): Uint8Array {
  Buffer.from(json.buffer, json.byteOffset, json.byteLength).write(id, DECISION_ID_AT, 'latin1')
  return json
}
