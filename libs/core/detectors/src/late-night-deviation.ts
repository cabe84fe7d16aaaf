import type { DetectorPolicies } from '@riskledger/policy'
import type { Features } from '@riskledger/profiles'
import { BandTable } from './band-table'
import { fromMilli, number, token, type CodeOf, type SignalEvidence } from './evidence'
import { addSignal, type ScoreCard } from './score-card'

/** The hour policy with its tables. */
export interface CompiledLateNight {
  readonly habitMilliCountAtLeast: number
  readonly fromHour: number
  readonly toHour: number
  readonly unusualHour: number
  readonly unusualNight: number
  readonly hourTable: BandTable
  readonly nightTable: BandTable
}

/** Prepares the tables. */
export function compileLateNight(policy: DetectorPolicies['late-night-deviation'], codeOf: CodeOf): CompiledLateNight {
  return {
    habitMilliCountAtLeast: policy.habitMilliCountAtLeast,
    fromHour: policy.nightFromHour,
    toHour: policy.nightToHour,
    unusualHour: codeOf('unusual-hour'),
    unusualNight: codeOf('unusual-night-hour'),
    hourTable: new BandTable(policy['unusual-hour'].bands),
    nightTable: new BandTable(policy['unusual-night-hour'].bands),
  }
}

/**
 * The local hour against the account's own hours: the smaller its habitual share, the more points, and more again within the policy's
 * night. An account that habitually acts at that hour (a night worker) earns nothing; nor does one with too little history to tell.
 */
export function scoreLateNight(features: Features, compiled: CompiledLateNight, card: ScoreCard): void {
  if (features.late || features.hourHabitMilliCount < compiled.habitMilliCountAtLeast) return
  const points = compiled.hourTable.pointsAt(features.hourSharePpm)
  if (points === 0) return
  addSignal(card, compiled.unusualHour, points)
  if (isNight(features.localHour, compiled)) addSignal(card, compiled.unusualNight, compiled.nightTable.pointsAt(features.hourSharePpm))
}

function isNight(hour: number, compiled: CompiledLateNight): boolean {
  const { fromHour, toHour } = compiled
  return fromHour <= toHour ? hour >= fromHour && hour < toHour : hour >= fromHour || hour < toHour
}

/** The numbers behind an hour signal. */
export function describeLateNight(features: Features, compiled: CompiledLateNight, code: string): SignalEvidence {
  const historyCount = fromMilli(features.hourHabitMilliCount)
  if (code === 'unusual-night-hour') {
    const night = [number('night-from', compiled.fromHour, 'hour'), number('night-to', compiled.toHour, 'hour')]
    return { features: [number('local-hour', features.localHour, 'hour'), ...night], threshold: null, historyCount }
  }
  const share = number('habitual-share', features.hourSharePpm, 'ppm')
  const threshold = { value: compiled.hourTable.passed(share.value), unit: share.unit }
  return {
    features: [number('local-hour', features.localHour, 'hour'), share, token('offset-from', features.offsetSource)],
    threshold,
    historyCount,
  }
}
