import { counted, duration, grouped, money } from '@riskledger/detectors'
import type { Explanation } from '../house/explain-input'
import type { Habit } from '../house/habit-of'
import { localTime } from './local-time'
import { thresholdText } from './threshold-text'

const NOUNS: Readonly<Record<string, string>> = {
  payments: 'payment',
  logins: 'login',
  'p2p-trades': 'trade',
  'risk-alerts': 'risk alert',
  'liveness-results': 'liveness check',
  outcomes: 'outcome',
  'account-profiles': 'account profile',
  'case-actions': 'case action',
  answers: 'answer',
}

/** What a person reads of an explanation, as lines. `repeat`: the command that decides it again. */
export function explanationLines(explanation: Explanation, options: { readonly repeat: string }): readonly string[] {
  const { signals, combinations, status } = explanation
  const weights = [
    ...signals.map((signal) => ({
      points: signal.points,
      name: signal.detector,
      text: `${signal.sentence}${thresholdText(signal.threshold ?? null)}`,
    })),
    ...combinations.map((one) => ({
      points: one.points,
      name: 'combination',
      text: `${one.code.replace(/-/g, ' ')} (${one.of.join(' and ')})`,
    })),
  ]
  const width = Math.max(0, ...weights.map((weight) => weight.name.length))
  const lines = [headline(explanation), '']
  for (const line of statusLines(explanation)) lines.push(`  ${line}`, '')
  for (const { points, name, text } of weights) lines.push(`  ${signed(points).padStart(5)}  ${name.padEnd(width)}  ${text}`)
  if (status === 'screened' && weights.length === 0)
    lines.push(isRandom(explanation) ? '  drawn for a random challenge; no detector spoke against it' : '  no detector spoke against it')
  if (explanation.evidence === 'folded')
    lines.push('', '  The ledger keeps no evidence of what it allows or takes late: the journal was folded up to this input to find it.')
  if (explanation.habit !== null) lines.push(...habitLines(explanation.habit, explanation))
  lines.push('', ...placeLines(explanation), `  Repeat it  ${options.repeat}`)
  return lines.filter((line, at) => !(line === '' && lines[at - 1] === ''))
}

function headline(explanation: Explanation): string {
  const { status, verdict, subject, accountId, event, scorePoints, bands } = explanation
  const head = [(verdict ?? status).toUpperCase()]
  const noun = NOUNS[subject.topic]
  head.push(
    event === null
      ? `record ${subject.topic}/${explanation.position.partition}@${grouped(explanation.position.offset)}`
      : `${noun} ${subject.businessId} of account ${accountId}`,
  )
  const money = amountText(explanation)
  if (money !== null) head.push(money)
  if (event !== null) head.push(localTime(event.eventTimeMs, offsetOf(explanation)))
  if (scorePoints !== null) head.push(`score ${grouped(scorePoints)} of 1,000${bands === null ? '' : bandText(explanation, bands)}`)
  return head.join('   ')
}

function bandText({ verdict, status }: Explanation, bands: NonNullable<Explanation['bands']>): string {
  if (status === 'late') return ''
  return verdict === null || verdict === 'allow' ? ` (challenge from ${bands.challenge})` : ` (${verdict} from ${bands[verdict]})`
}

/** The amount with its currency: money that leaves as it is, money that comes in with a plus; and with whom. */
function amountText({ event, subject }: Explanation): string | null {
  if (event === null) return null
  const fields = event as unknown as Record<string, unknown>
  const minor = subject.topic === 'p2p-trades' ? fields.fiatMinor : fields.amountMinor
  if (typeof minor !== 'number' || typeof fields.currency !== 'string') return null
  const incoming = fields.direction === 'credit' || fields.side === 'sell'
  const other = typeof fields.counterpartyId === 'string' ? ` ${incoming ? 'from' : 'to'} ${fields.counterpartyId}` : ''
  return `${incoming ? '+' : ''}${money(minor, fields.currency)}${other}`
}

function offsetOf({ event }: Explanation): number | null {
  const offset = (event as { readonly utcOffsetMinutes?: number | null } | null)?.utcOffsetMinutes
  return offset ?? null
}

function statusLines({ status, lateByMs, firstSequence, reason, detail, again, answer }: Explanation): readonly string[] {
  const lines: string[] = []
  if (status === 'late')
    lines.push(
      `It came ${duration(lateByMs ?? 0)} behind the newest event, past the policy's grace: it got no verdict and changed no window.`,
    )
  if (status === 'duplicate')
    lines.push(
      `The same event was taken before, as sequence ${grouped(firstSequence ?? 0)}: it was not taken again (riskledger explain ${firstSequence}).`,
    )
  if (status === 'conflicting')
    lines.push(
      `Sequence ${grouped(firstSequence ?? 0)} has the same event id and other content: this one was not taken (riskledger explain ${firstSequence}).`,
    )
  if (status === 'quarantined') lines.push(`${reason}: ${detail}.`)
  if (status === 'observed') lines.push('Events of this topic change what is known of the account and get no verdict of their own.')
  if (answer !== null) lines.push(answerLine(answer))
  if (again !== null) {
    const what = again.status === 'late' ? 'too late for a verdict' : `which was refused as ${again.status}`
    lines.push(`It came again as sequence ${grouped(again.sequence)}, ${what}.`)
  }
  return lines
}

function answerLine({ verdict, fallback, latencyMs }: NonNullable<Explanation['answer']>): string {
  return fallback
    ? `Its caller waited and was told ${verdict} after ${grouped(latencyMs)} ms, as the fallback: the deadline passed before the verdict was there.`
    : `Its caller waited and was told ${verdict} after ${grouped(latencyMs)} ms.`
}

function habitLines({ pace, amounts, hours }: Habit, { subject, policy }: Explanation): readonly string[] {
  const noun = NOUNS[subject.topic]
  const currency = policy?.referenceCurrency ?? ''
  const lines = [
    `  Pace       ${counted(pace.in10min, noun)} in 10 min, ${grouped(pace.in1d)} in 1 d, ${grouped(pace.in30d)} in 30 d; usual ${(pace.usualPerDayMilli / 1000).toFixed(1)} a day`,
  ]
  if (amounts !== null) {
    lines.push(
      `  Amounts    median ${money(amounts.medianMinor, currency)}, high percentile ${money(amounts.highPercentileMinor, currency)}, of ${counted(Math.floor(amounts.milliCount / 1000), noun)} (older ones count less)`,
    )
  }
  lines.push(
    `  Hours      ${String(hours.localHour).padStart(2, '0')}h holds ${(hours.sharePpm / 10_000).toFixed(1)} % of this account's events (local time by ${hours.offsetSource === 'utc' ? 'UTC, no offset is known' : `the ${hours.offsetSource}'s offset`})`,
  )
  return ['', ...lines]
}

function placeLines({ facts, policy, position, decisionId, eventId }: Explanation): readonly string[] {
  const lines = facts.map(({ kind, keyToken, sourceStream, sourceRevision, sentence }, index) => {
    const source = sourceStream === '' ? '' : ` as known at ${sourceStream}@${grouped(sourceRevision)}`
    return `  ${index === 0 ? 'Facts' : '     '}      ${kind.replace('-', ' ')} ${keyToken}${source}: ${sentence}`
  })
  if (policy !== null) lines.push(`  Policy     ${policy.hash.slice(0, 12)}… (${policy.name}), active since ${policy.since}`)
  lines.push(
    `  Input      ${position.stream}@${position.revision}, sequence ${grouped(position.sequence)} · ${position.topic}/${position.partition}@${grouped(position.offset)}`,
  )
  if (decisionId !== null) lines.push(`  Decision   ${decisionId} · ${position.stream}@${position.decisionRevision}`)
  if (eventId !== null) lines.push(`  Event      ${eventId}`)
  return lines
}

function isRandom({ reasonCodes }: Explanation): boolean {
  return reasonCodes.includes('random-challenge')
}

function signed(points: number): string {
  return points > 0 ? `+${points}` : String(points)
}
