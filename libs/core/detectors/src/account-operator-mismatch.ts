import type { DetectorPolicies } from '@riskledger/policy'
import type { Features } from '@riskledger/profiles'
import { BandTable } from './band-table'
import { evidence, number, token, type CodeOf, type SignalEvidence } from './evidence'
import { addSignal, type ScoreCard } from './score-card'

const DAY_MS = 86_400_000

const CODES = [
  'new-device',
  'new-network',
  'new-country',
  'odd-behaviour',
  'odd-behaviour-at-login',
  'login-from-new-device',
  'unlike-the-account',
  'session-device-differs',
  'impossible-travel',
  'shared-device',
  'device-of-fraud',
  'payer-name-mismatch',
  'price-off-market',
] as const
type OperatorCode = (typeof CODES)[number]

/** The operator policy with its tables. */
export interface CompiledOperator {
  readonly policy: DetectorPolicies['account-operator-mismatch']
  readonly codes: Readonly<Record<OperatorCode, number>>
  readonly behaviour: BandTable
  readonly behaviourAtLogin: BandTable
  readonly unlike: BandTable
  readonly travel: BandTable
  readonly shared: BandTable
  readonly price: BandTable
}

/** Prepares the tables. */
export function compileOperator(policy: DetectorPolicies['account-operator-mismatch'], codeOf: CodeOf): CompiledOperator {
  return {
    policy,
    codes: Object.fromEntries(CODES.map((code) => [code, codeOf(code)])) as Record<OperatorCode, number>,
    behaviour: new BandTable(policy['odd-behaviour'].bands),
    behaviourAtLogin: new BandTable(policy['odd-behaviour-at-login'].bands),
    unlike: new BandTable(policy['unlike-the-account'].bands),
    travel: new BandTable(policy['impossible-travel'].bands),
    shared: new BandTable(policy['shared-device'].bands),
    price: new BandTable(policy['price-off-market'].bands),
  }
}

/**
 * Is the one who acts the one whose account it is? New device, network or country count only where the account has known ones; each
 * alone is a new phone or a journey and stays far below a challenge. What a login showed follows the account for a while, also
 * where another login came since. Log likelihood ratios are those of Freeman et al. (NDSS 2016), computed by the profiles.
 */
export function scoreOperator(features: Features, compiled: CompiledOperator, card: ScoreCard): void {
  const { codes, policy } = compiled
  if (features.device === 'new' && features.knownDeviceCount > 0) addSignal(card, codes['new-device'], policy['new-device'].points)
  if (features.network === 'new' && features.loginHabitCount > 0) addSignal(card, codes['new-network'], policy['new-network'].points)
  if (features.country === 'new' && features.loginHabitCount > 0) addSignal(card, codes['new-country'], policy['new-country'].points)
  if (features.behaviourDistance > 0) addSignal(card, codes['odd-behaviour'], compiled.behaviour.pointsAt(features.behaviourDistance))
  if (features.sessionDeviceDiffers) addSignal(card, codes['session-device-differs'], policy['session-device-differs'].points)
  if (features.deviceFact !== null) scoreDevice(features, compiled, card)
  if (features.topic === 'logins') {
    if (features.loginHabitCount >= policy['unlike-the-account'].loginsAtLeast) {
      addSignal(card, codes['unlike-the-account'], compiled.unlike.pointsAt(features.operatorLogRatioCentinats))
    }
    if (features.travelKm >= policy['impossible-travel'].kmAtLeast)
      addSignal(card, codes['impossible-travel'], compiled.travel.pointsAt(features.travelKmh))
    return
  }
  if (features.payerNameMatch === 'mismatch') addSignal(card, codes['payer-name-mismatch'], policy['payer-name-mismatch'].points)
  const deviation = Math.abs(features.priceDeviationBasisPoints)
  if (features.topic === 'p2p-trades' && deviation > 1) addSignal(card, codes['price-off-market'], compiled.price.pointsAt(deviation))
  const login = oddestLogin(features, policy.afterLoginMs)
  if (login !== null) addSignal(card, codes['odd-behaviour-at-login'], compiled.behaviourAtLogin.pointsAt(login.distance))
  if (msSinceNewDevice(features, policy.afterLoginMs) >= 0)
    addSignal(card, codes['login-from-new-device'], policy['login-from-new-device'].points)
}

interface LoginSeen {
  readonly distance: number
  readonly sinceMs: number
}

/** The login so short before that showed the largest distance, of several the latest; null for none. */
function oddestLogin(features: Features, afterLoginMs: number): LoginSeen | null {
  if (!isWithin(features.msSinceLastLogin, afterLoginMs)) return null
  const seen: readonly LoginSeen[] = [
    { distance: features.lastLoginBehaviourDistance, sinceMs: features.msSinceLastLogin },
    { distance: features.newerLoginBehaviourDistance, sinceMs: features.msSinceNewerLoginBehaviour },
    { distance: features.earlierLoginBehaviourDistance, sinceMs: features.msSinceEarlierLoginBehaviour },
  ]
  let oddest: LoginSeen | null = null
  for (const login of seen) if (login.distance > (oddest?.distance ?? -1) && isWithin(login.sinceMs, afterLoginMs)) oddest = login
  return oddest
}

/** How long ago a login so short before came from a new device; -1 for none. */
function msSinceNewDevice(features: Features, afterLoginMs: number): number {
  if (features.lastLoginNewDevice && isWithin(features.msSinceLastLogin, afterLoginMs)) return features.msSinceLastLogin
  return isWithin(features.msSinceEarlierLoginNewDevice, afterLoginMs) ? features.msSinceEarlierLoginNewDevice : -1
}

function isWithin(sinceMs: number, afterLoginMs: number): boolean {
  return sinceMs >= 0 && sinceMs <= afterLoginMs
}

function scoreDevice(features: Features, compiled: CompiledOperator, card: ScoreCard): void {
  const fact = features.deviceFact!
  const { codes, policy } = compiled
  addSignal(card, codes['shared-device'], compiled.shared.pointsAt(fact.distinctAccounts))
  const isRecent = fact.lastKnownFraudMs >= 0 && features.eventTimeMs - fact.lastKnownFraudMs <= policy['device-of-fraud'].withinMs
  if (isRecent) addSignal(card, codes['device-of-fraud'], policy['device-of-fraud'].points)
}

/** The numbers behind an operator signal. */
export function describeOperator(features: Features, compiled: CompiledOperator, code: string): SignalEvidence {
  const historyCount = features.loginHabitCount
  const { afterLoginMs } = compiled.policy
  switch (code as OperatorCode) {
    case 'new-device':
      return evidence([number('known-devices', features.knownDeviceCount, 'count')], historyCount)
    case 'new-network':
      return evidence([token('network-class', features.networkClass)], historyCount)
    case 'new-country':
      return evidence([token('country', features.countryCode ?? 'unknown')], historyCount)
    case 'odd-behaviour':
      return held(number('behaviour-distance', features.behaviourDistance, 'permille'), compiled.behaviour, historyCount)
    case 'odd-behaviour-at-login': {
      const { distance, sinceMs } = oddestLogin(features, afterLoginMs)!
      const shown = held(number('behaviour-distance', distance, 'permille'), compiled.behaviourAtLogin, historyCount)
      return { ...shown, features: [...shown.features, number('since-login', sinceMs, 'ms')] }
    }
    case 'login-from-new-device':
      return evidence([number('since-login', msSinceNewDevice(features, afterLoginMs), 'ms')], historyCount)
    case 'unlike-the-account':
      return held(number('log-ratio', features.operatorLogRatioCentinats, 'centinats'), compiled.unlike, historyCount)
    case 'session-device-differs':
      return evidence([number('known-devices', features.knownDeviceCount, 'count')], historyCount)
    case 'impossible-travel': {
      const speed = held(number('speed', features.travelKmh, 'km-per-hour'), compiled.travel, historyCount)
      return { ...speed, features: [...speed.features, number('distance', features.travelKm, 'km')] }
    }
    case 'shared-device': {
      const accounts = features.deviceFact?.distinctAccounts ?? 0
      return held({ ...number('accounts-of-device', accounts, 'count'), exact: accounts < 64 }, compiled.shared, accounts)
    }
    case 'device-of-fraud': {
      const since = features.eventTimeMs - (features.deviceFact?.lastKnownFraudMs ?? features.eventTimeMs)
      return evidence([number('since-known-fraud', Math.floor(since / DAY_MS), 'days')], features.deviceFact?.distinctAccounts ?? 0)
    }
    case 'payer-name-mismatch':
      return evidence([token('payer-name', features.payerNameMatch)])
    case 'price-off-market':
      return held(number('price-deviation', Math.abs(features.priceDeviationBasisPoints), 'basis-points'), compiled.price, 0)
    default:
      return code as never
  }
}

function held(feature: ReturnType<typeof number>, table: BandTable, historyCount: number): SignalEvidence {
  return { features: [feature], threshold: { value: table.passed(feature.value), unit: feature.unit }, historyCount }
}
