import { counted, duration, grouped, money } from '@riskledger/detectors'
import type { ScreenedTopic } from '@riskledger/contracts'
import type { JudgedInput } from '../house/judged-input'
import type { Explanation } from '../house/explain-input'
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

/** What a person reads of an explanation, as lines. `judged`: the numbers that a fold found, for what the account's habit was. */
export function explanationLines(
  explanation: Explanation,
  options: { readonly judged: JudgedInput | null; readonly repeat: string },
): readonly string[] {
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
  if (options.judged !== null) lines.push(...habitLines(options.judged, explanation.policy?.referenceCurrency ?? ''))
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

function statusLines({ status, lateByMs, firstSequence, reason, detail, again }: Explanation): readonly string[] {
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
  if (again !== null) lines.push(`It came again as sequence ${grouped(again.sequence)}, which was refused as ${again.status}.`)
  return lines
}

function habitLines({ features }: JudgedInput, currency: string): readonly string[] {
  const of = { payments: features.payments, logins: features.logins, 'p2p-trades': features.trades }[features.topic]
  const perDayMilli = {
    payments: features.paymentsPerDayMilli,
    logins: features.loginsPerDayMilli,
    'p2p-trades': features.tradesPerDayMilli,
  }[features.topic]
  const noun = NOUNS[features.topic satisfies ScreenedTopic]
  if (features.late) return []
  const lines = [
    `  Pace       ${counted(of.counts[1], noun)} in 10 min, ${grouped(of.counts[3])} in 1 d, ${grouped(of.counts[5])} in 30 d; usual ${(perDayMilli / 1000).toFixed(1)} a day`,
  ]
  if (features.amountHabitMilliCount >= 1000) {
    lines.push(
      `  Amounts    median ${money(features.amountMedianMinor, currency)}, high percentile ${money(features.amountPercentileMinor, currency)}, of ${counted(Math.floor(features.amountHabitMilliCount / 1000), noun)} (older ones count less)`,
    )
  }
  lines.push(
    `  Hours      ${String(features.localHour).padStart(2, '0')}h holds ${(features.hourSharePpm / 10_000).toFixed(1)} % of this account's events (local time by ${features.offsetSource === 'utc' ? 'UTC, no offset is known' : `the ${features.offsetSource}'s offset`})`,
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
