import type { Verdict } from '@riskledger/contracts'
import { encodeLedgerJson, type RawViews } from '@riskledger/events'

/** What a waiting caller was told, on its way into the journal. */
export interface AnswerDraft {
  /** Of the answer, not of the input that it answers. */
  readonly sequence: number
  /** The event that was asked about. */
  readonly eventId: string
  readonly verdict: Verdict
  readonly fallback: boolean
  readonly latencyMs: number
}

/**
 * What an accepted answer (observed, or late: told is told) says that its caller was told. Null where it names no verdict that this version
 * knows: the ledger states none that did not exist, and the answer itself stands among the inputs all the same.
 */
export function answerDraftOf(answer: RawViews['answers'], sequence: number): AnswerDraft | null {
  const { verdict, inputEventId, fallback, latencyMs } = answer
  return verdict === 'unknown' ? null : { sequence, eventId: inputEventId, verdict, fallback, latencyMs }
}

/** The canonical JSON of `AnswerGiven`. */
export function encodeAnswer({ eventId, verdict, fallback, latencyMs }: AnswerDraft): Uint8Array {
  return encodeLedgerJson('AnswerGiven', { eventId, verdict, fallback, latencyMs })
}
