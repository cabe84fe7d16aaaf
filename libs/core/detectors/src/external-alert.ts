import { strict as assert } from 'node:assert'
import type { DetectorPolicies } from '@riskledger/policy'
import type { AlertSeverities, Features } from '@riskledger/profiles'
import { roundHalfEven } from './band-table'
import { evidence, number, token, type CodeOf, type SignalEvidence } from './evidence'
import { addSignal, type ScoreCard } from './score-card'

type AlertPoints = DetectorPolicies['external-alert']['pointsAtSeverity1000']

interface AlertSubject {
  readonly code: number
  readonly sharePermille: number
}

/** The alert policy. */
export interface CompiledAlerts {
  readonly points: AlertPoints
  readonly account: AlertSubject
  readonly event: AlertSubject
  readonly counterparty: AlertSubject
}

/** Prepares the codes. */
export function compileAlerts(policy: DetectorPolicies['external-alert'], codeOf: CodeOf): CompiledAlerts {
  const subject = (code: 'account-alert' | 'event-alert' | 'counterparty-alert') => ({
    code: codeOf(code),
    sharePermille: policy[code].sharePermille,
  })
  return {
    points: policy.pointsAtSeverity1000,
    account: subject('account-alert'),
    event: subject('event-alert'),
    counterparty: subject('counterparty-alert'),
  }
}

/**
 * What providers say of this event, this account, this counterparty: points by kind, in proportion to the severity; of several kinds the one
 * that earns most. A cleared or expired alert is not in the features.
 */
export function scoreAlerts(features: Features, compiled: CompiledAlerts, card: ScoreCard): void {
  scoreSubject(features.eventAlerts, compiled, { subject: compiled.event, card })
  scoreSubject(features.accountAlerts, compiled, { subject: compiled.account, card })
  scoreSubject(features.counterpartyAlerts, compiled, { subject: compiled.counterparty, card })
}

function scoreSubject(
  severities: AlertSeverities,
  compiled: CompiledAlerts,
  on: { readonly subject: AlertSubject; readonly card: ScoreCard },
): void {
  const kind = weightiest(severities, compiled)
  if (kind !== null)
    addSignal(on.card, on.subject.code, roundHalfEven((weightOf(kind, severities, compiled) * on.subject.sharePermille) / 1_000_000))
}

/** The kind that earns most; null without an alert. */
function weightiest(severities: AlertSeverities, compiled: CompiledAlerts): string | null {
  let best: string | null = null
  for (const kind in severities) {
    if (severities[kind] <= 0) continue
    if (best === null || weightOf(kind, severities, compiled) > weightOf(best, severities, compiled)) best = kind
  }
  return best
}

/** Points of the kind times the severity. */
function weightOf(kind: string, severities: AlertSeverities, compiled: CompiledAlerts): number {
  const full = Object.hasOwn(compiled.points, kind) ? compiled.points[kind as keyof AlertPoints] : compiled.points.other
  return full * severities[kind]
}

/** The alert behind a signal. */
export function describeAlerts(features: Features, compiled: CompiledAlerts, code: string): SignalEvidence {
  const { eventAlerts, accountAlerts, counterpartyAlerts } = features
  const severities = code === 'event-alert' ? eventAlerts : code === 'account-alert' ? accountAlerts : counterpartyAlerts
  const kind = weightiest(severities, compiled)
  assert(kind !== null, `${code} has an alert behind it`)
  return evidence([number('severity', severities[kind], 'severity'), token('kind', kind)])
}
