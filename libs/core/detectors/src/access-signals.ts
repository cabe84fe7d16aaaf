import type { DetectorPolicies } from '@riskledger/policy'
import type { Features } from '@riskledger/profiles'
import { evidence, number, token, type CodeOf, type SignalEvidence } from './evidence'
import { addSignal, type ScoreCard } from './score-card'

type MaskedNetworks = DetectorPolicies['access-signals']['masked-network']

/** The access policy. */
export interface CompiledAccess {
  readonly prohibited: ReadonlySet<string>
  readonly networks: MaskedNetworks
  readonly policy: DetectorPolicies['access-signals']
  readonly region: number
  readonly masked: number
  readonly countryChanged: number
  readonly networkChanged: number
  readonly blocked: number
}

/** Prepares the codes and the set of prohibited countries. */
export function compileAccess(policy: DetectorPolicies['access-signals'], codeOf: CodeOf): CompiledAccess {
  return {
    prohibited: new Set(policy.prohibitedCountries),
    networks: policy['masked-network'],
    policy,
    region: codeOf('prohibited-region'),
    masked: codeOf('masked-network'),
    countryChanged: codeOf('country-changed'),
    networkChanged: codeOf('network-changed'),
    blocked: codeOf('blocked-login'),
  }
}

/**
 * Where the access comes from: a prohibited country, a network that hides who is behind it, a change since the last login. Hiding alone
 * is common and stays below a challenge. An event without country or network says nothing and earns nothing.
 */
export function scoreAccess(features: Features, compiled: CompiledAccess, card: ScoreCard): void {
  const { policy } = compiled
  if (features.countryCode !== null && compiled.prohibited.has(features.countryCode))
    addSignal(card, compiled.region, policy['prohibited-region'].points)
  addSignal(card, compiled.masked, maskedPoints(compiled.networks, features.networkClass))
  if (features.countryChangedSinceLastLogin) addSignal(card, compiled.countryChanged, policy['country-changed'].points)
  if (features.networkChangedSinceLastLogin) addSignal(card, compiled.networkChanged, policy['network-changed'].points)
  if (features.topic === 'logins' && features.outcome === 'blocked') addSignal(card, compiled.blocked, policy['blocked-login'].points)
}

function maskedPoints(networks: MaskedNetworks, networkClass: string): number {
  switch (networkClass) {
    case 'hosting':
      return networks.hosting
    case 'vpn':
      return networks.vpn
    case 'tor':
      return networks.tor
    case 'proxy':
      return networks.proxy
    default:
      return 0
  }
}

/** What an access signal saw. */
export function describeAccess(features: Features, _compiled: CompiledAccess, code: string): SignalEvidence {
  const historyCount = features.loginHabitCount
  if (code === 'prohibited-region') return evidence([token('country', features.countryCode ?? 'unknown')], historyCount)
  if (code === 'country-changed') {
    return evidence(
      [token('country', features.countryCode ?? 'unknown'), number('since-login', features.msSinceLastLogin, 'ms')],
      historyCount,
    )
  }
  return evidence([token('network-class', features.networkClass)], historyCount)
}
