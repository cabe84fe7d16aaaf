import type { DetectorPolicies } from '@riskledger/policy'
import type { Features } from '@riskledger/profiles'
import { BandTable } from './band-table'
import { evidence, number, token, windowed, type CodeOf, type SignalEvidence } from './evidence'
import { addSignal, type ScoreCard } from './score-card'

const DAY_MS = 86_400_000

/** The liveness policy with its tables. */
export interface CompiledLiveness {
  readonly attackPoints: DetectorPolicies['liveness']['liveness-attack']
  readonly mismatchPoints: number
  readonly passedPoints: number
  readonly failed: number
  readonly abandoned: number
  readonly attack: number
  readonly mismatch: number
  readonly passed: number
  readonly failedTable: BandTable
  readonly abandonedTable: BandTable
}

/** Prepares the tables. */
export function compileLiveness(policy: DetectorPolicies['liveness'], codeOf: CodeOf): CompiledLiveness {
  return {
    attackPoints: policy['liveness-attack'],
    mismatchPoints: policy['face-mismatch'].points,
    passedPoints: policy['liveness-passed'].points,
    failed: codeOf('liveness-failed'),
    abandoned: codeOf('liveness-abandoned'),
    attack: codeOf('liveness-attack'),
    mismatch: codeOf('face-mismatch'),
    passed: codeOf('liveness-passed'),
    failedTable: new BandTable(policy['liveness-failed'].bands),
    abandonedTable: new BandTable(policy['liveness-abandoned'].bands),
  }
}

/**
 * Checks of a living person that failed or were abandoned in the last day, attacks seen in the last week, a face that is not the
 * owner's. A check passed after a failure reassures (negative points), unless an attack or another face was seen.
 */
export function scoreLiveness(features: Features, compiled: CompiledLiveness, card: ScoreCard): void {
  const { livenessFailed1d, livenessAbandoned1d, livenessAttackKind } = features
  if (livenessFailed1d > 0) addSignal(card, compiled.failed, compiled.failedTable.pointsAt(livenessFailed1d))
  if (livenessAbandoned1d > 0) addSignal(card, compiled.abandoned, compiled.abandonedTable.pointsAt(livenessAbandoned1d))
  const attacked = livenessAttackKind !== 'none' && livenessAttackKind !== ''
  if (attacked) addSignal(card, compiled.attack, attackPoints(compiled, livenessAttackKind))
  if (features.livenessFaceMismatch) addSignal(card, compiled.mismatch, compiled.mismatchPoints)
  if (features.livenessPassedAfterFailure && !attacked && !features.livenessFaceMismatch)
    addSignal(card, compiled.passed, compiled.passedPoints)
}

function attackPoints(compiled: CompiledLiveness, kind: string): number {
  const { attackPoints: points } = compiled
  return Object.hasOwn(points, kind) ? points[kind as keyof typeof points] : points.unknown
}

/** The numbers behind a liveness signal. */
export function describeLiveness(features: Features, compiled: CompiledLiveness, code: string): SignalEvidence {
  const day = { widthMs: DAY_MS, exact: true }
  switch (code) {
    case 'liveness-failed': {
      const failed = windowed(features, number('failed-checks', features.livenessFailed1d, 'count'), day)
      return { features: [failed], threshold: { value: compiled.failedTable.passed(failed.value), unit: 'count' }, historyCount: 0 }
    }
    case 'liveness-abandoned': {
      const abandoned = windowed(features, number('abandoned-checks', features.livenessAbandoned1d, 'count'), day)
      return {
        features: [abandoned],
        threshold: { value: compiled.abandonedTable.passed(abandoned.value), unit: 'count' },
        historyCount: 0,
      }
    }
    case 'liveness-attack':
      return evidence([windowed(features, token('attack', features.livenessAttackKind), { widthMs: 7 * DAY_MS, exact: true })])
    case 'face-mismatch':
      return evidence([windowed(features, token('face', 'mismatch'), day)])
    default:
      return evidence([windowed(features, token('check', 'passed'), day)])
  }
}
