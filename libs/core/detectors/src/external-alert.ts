import type { DetectorPolicies } from '@riskledger/policy'
import type { Features } from '@riskledger/profiles'
import { roundHalfEven } from './band-table'
import { evidence, number, token, type CodeOf, type SignalEvidence } from './evidence'
import { addSignal, type ScoreCard } from './score-card'

type AlertPoints = DetectorPolicies['external-alert']['pointsAtSeverity1000']

/** The alert policy. */
export interface CompiledAlerts {
  readonly points: AlertPoints
  readonly account: { readonly code: number; readonly sharePermille: number }
  readonly event: { readonly code: number; readonly sharePermille: number }
  readonly counterparty: { readonly code: number; readonly sharePermille: number }
}

/** Prepares the codes. */
export function compileAlerts(policy: DetectorPolicies['external-alert'], codeOf: CodeOf): CompiledAlerts {
  const place = (code: 'account-alert' | 'event-alert' | 'counterparty-alert') => ({
    code: codeOf(code),
    sharePermille: policy[code].sharePermille,
  })
  return {
    points: policy.pointsAtSeverity1000,
    account: place('account-alert'),
    event: place('event-alert'),
    counterparty: place('counterparty-alert'),
  }
}

/**
 * What providers say of this event, this account, this counterparty: points by kind, in proportion to the severity. One alert that names
 * both the event and the account counts once. A cleared or expired alert is not in the features.
 */
export function scoreAlerts(features: Features, compiled: CompiledAlerts, card: ScoreCard): void {
  const { eventAlertSeverity, accountAlertSeverity, counterpartyAlertSeverity } = features
  if (eventAlertSeverity > 0)
    addSignal(card, compiled.event.code, pointsOf(compiled, features.eventAlertKind, eventAlertSeverity * compiled.event.sharePermille))
  const isSame = eventAlertSeverity === accountAlertSeverity && features.eventAlertKind === features.accountAlertKind
  if (accountAlertSeverity > 0 && !isSame) {
    addSignal(
      card,
      compiled.account.code,
      pointsOf(compiled, features.accountAlertKind, accountAlertSeverity * compiled.account.sharePermille),
    )
  }
  if (counterpartyAlertSeverity > 0) {
    addSignal(
      card,
      compiled.counterparty.code,
      pointsOf(compiled, features.counterpartyAlertKind, counterpartyAlertSeverity * compiled.counterparty.sharePermille),
    )
  }
}

function pointsOf(compiled: CompiledAlerts, kind: string, weight: number): number {
  const full = Object.hasOwn(compiled.points, kind) ? compiled.points[kind as keyof AlertPoints] : compiled.points.other
  return roundHalfEven((full * weight) / 1_000_000)
}

/** The alert behind a signal. */
export function describeAlerts(features: Features, _compiled: CompiledAlerts, code: string): SignalEvidence {
  if (code === 'event-alert')
    return evidence([number('severity', features.eventAlertSeverity, 'severity'), token('kind', features.eventAlertKind)])
  if (code === 'account-alert')
    return evidence([number('severity', features.accountAlertSeverity, 'severity'), token('kind', features.accountAlertKind)])
  return evidence([number('severity', features.counterpartyAlertSeverity, 'severity'), token('kind', features.counterpartyAlertKind)])
}
