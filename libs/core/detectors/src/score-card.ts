import type { Verdict } from '@riskledger/contracts'

/** Most signals that a policy can have. */
export const MAX_SIGNALS = 128
/** Most combinations that a policy can have. */
export const MAX_COMBINATIONS = 32

/** What `score` fills: one reused instance, nothing allocated. Codes are places in `CompiledPolicy.signals`. */
export interface ScoreCard {
  /** How many entries of `codes` and `points` count. */
  signalCount: number
  readonly codes: Uint8Array
  readonly points: Int32Array
  /** Places in `CompiledPolicy.combinations` of those that fired. */
  combinationCount: number
  readonly combinations: Uint8Array
  /** Points by code; 0 where the signal did not fire. */
  readonly pointsByCode: Int32Array
  /** Sum of all points, kept within 0 to 1000. */
  scorePoints: number
  verdict: Verdict
}

/** A card for `score` to fill. */
export function newScoreCard(): ScoreCard {
  return {
    signalCount: 0,
    codes: new Uint8Array(MAX_SIGNALS),
    points: new Int32Array(MAX_SIGNALS),
    combinationCount: 0,
    combinations: new Uint8Array(MAX_COMBINATIONS),
    pointsByCode: new Int32Array(MAX_SIGNALS),
    scorePoints: 0,
    verdict: 'allow',
  }
}

/** Empties a card. */
export function clearScoreCard(card: ScoreCard): void {
  for (let i = 0; i < card.signalCount; i++) card.pointsByCode[card.codes[i]] = 0
  card.signalCount = 0
  card.combinationCount = 0
  card.scorePoints = 0
  card.verdict = 'allow'
}

/** Notes a signal; one without points is not noted. A code is noted at most once a card. */
export function addSignal(card: ScoreCard, code: number, points: number): void {
  if (points === 0) return
  card.codes[card.signalCount] = code
  card.points[card.signalCount] = points
  card.pointsByCode[code] = points
  card.signalCount++
}
