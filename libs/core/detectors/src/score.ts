import type { ScreenedTopic, Verdict } from '@riskledger/contracts'
import type { DetectorName } from '@riskledger/policy'
import type { Features } from '@riskledger/profiles'
import { scoreAccess } from './access-signals'
import { scoreOperator } from './account-operator-mismatch'
import { scoreAmountDeviation } from './amount-deviation'
import type { CompiledPolicy } from './compile-policy'
import { scoreCounterparty } from './counterparty-reputation'
import { scoreAlerts } from './external-alert'
import { scoreLateNight } from './late-night-deviation'
import { scoreLiveness } from './liveness'
import { clearScoreCard, type ScoreCard } from './score-card'
import { scoreVelocity } from './velocity'

/** Runs every detector and fills the card: signals, combinations, score and verdict. Allocates nothing. */
export function score(features: Features, compiled: CompiledPolicy, card: ScoreCard): void {
  clearScoreCard(card)
  scoreVelocity(features, compiled.velocity, card)
  scoreAmountDeviation(features, compiled.amount, card)
  scoreLateNight(features, compiled.lateNight, card)
  scoreCounterparty(features, compiled.counterparty, card)
  scoreOperator(features, compiled.operator, card)
  scoreAlerts(features, compiled.alerts, card)
  scoreLiveness(features, compiled.liveness, card)
  scoreAccess(features, compiled.access, card)
  let sum = 0
  for (let i = 0; i < card.signalCount; i++) sum += card.points[i]
  if (card.signalCount > 1) sum += combine(compiled, card)
  card.scorePoints = clampScore(sum)
  card.verdict = verdictOf(features.topic, compiled, card.scorePoints)
}

/** The verdict whose band holds this score. */
export function verdictOf(topic: ScreenedTopic, compiled: CompiledPolicy, scorePoints: number): Verdict {
  const bands = compiled.bands[topic]
  if (scorePoints < bands.challenge) return 'allow'
  if (scorePoints < bands.hold) return 'challenge'
  return scorePoints < bands.block ? 'hold' : 'block'
}

/** The score that a filled card would have without one detector's signals and the combinations that need them. For measuring; allocates. */
export function scoreWithout(card: ScoreCard, compiled: CompiledPolicy, detector: DetectorName): number {
  const pointsByCode = new Int32Array(card.pointsByCode.length)
  let sum = 0
  for (let i = 0; i < card.signalCount; i++) {
    if (compiled.signals[card.codes[i]].detector === detector) continue
    pointsByCode[card.codes[i]] = card.points[i]
    sum += card.points[i]
  }
  for (const { rows, fromPoints, points } of compiled.combinations) {
    if (rows.every((row) => row.some((code) => pointsByCode[code] >= fromPoints))) sum += points
  }
  return clampScore(sum)
}

function combine(compiled: CompiledPolicy, card: ScoreCard): number {
  let sum = 0
  const { combinations } = compiled
  for (let i = 0; i < combinations.length; i++) {
    const { rows, fromPoints } = combinations[i]
    let matched = 0
    while (matched < rows.length && hasOne(rows[matched], fromPoints, card.pointsByCode)) matched++
    if (matched < rows.length) continue
    card.combinations[card.combinationCount++] = i
    sum += combinations[i].points
  }
  return sum
}

function hasOne(row: Uint8Array, fromPoints: number, pointsByCode: Int32Array): boolean {
  for (let i = 0; i < row.length; i++) if (pointsByCode[row[i]] >= fromPoints) return true
  return false
}

function clampScore(sum: number): number {
  return sum < 0 ? 0 : sum > 1000 ? 1000 : sum
}
