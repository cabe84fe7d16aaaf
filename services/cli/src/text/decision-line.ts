import { explainSignal, grouped, money } from '@riskledger/detectors'
import type { RecordedDecision } from '@riskledger/screening'

/** What a decision's event tells beside it, for those who have it at hand. */
export interface DecidedEvent {
  readonly amountMinor: number | null
  readonly currency: string | null
  /** Local time of the event, minutes east of UTC; null: not known, UTC is shown. */
  readonly utcOffsetMinutes: number | null
}

/** Reasons are added while the line's text stays below this many characters; the weightiest is always told. */
const REASON_CHARACTERS = 110

const SUBJECTS: Readonly<Record<string, string>> = { payments: 'payment', logins: 'login', 'p2p-trades': 'trade' }

/**
 * A decision on one line: local time, verdict, score, account, subject, amount and its main reasons in words. Columns have fixed widths, so that
 * lines under each other read as a table. `event`: null where it is not at hand; the amount is then left out and the time is UTC.
 */
export function decisionLine(decision: RecordedDecision, event: DecidedEvent | null): string {
  const { verdict, scorePoints, accountId, subject, eventTimeMs } = decision
  const localMs = eventTimeMs + (event?.utcOffsetMinutes ?? 0) * 60_000
  const amount = event === null || event.amountMinor === null || event.currency === null ? '' : money(event.amountMinor, event.currency)
  return [
    new Date(localMs).toISOString().slice(11, 19),
    verdict.padEnd(9),
    String(scorePoints).padStart(4),
    accountId.padEnd(7),
    (SUBJECTS[subject.topic] ?? subject.topic).padEnd(7),
    amount.padStart(9),
    mainReasons(decision),
  ].join('  ')
}

/** The weightiest reasons of a decision in words, as many as fit on a line; never empty. */
function mainReasons(decision: Pick<RecordedDecision, 'signals' | 'combinations' | 'reasonCodes'>): string {
  const against = [...decision.signals].filter((signal) => signal.points > 0).sort((a, b) => b.points - a.points)
  if (against.length === 0) {
    return decision.reasonCodes.includes('random-challenge') ? 'drawn for a random challenge' : decision.reasonCodes.join(', ')
  }
  let text = ''
  let told = 0
  for (const signal of against) {
    const sentence = explainSignal(signal)
    if (told > 0 && text.length + sentence.length > REASON_CHARACTERS) break
    text = told === 0 ? sentence : `${text}; ${sentence}`
    told++
  }
  const left = against.length - told
  return left === 0 ? text : `${text} (and ${grouped(left)} more)`
}
