import type { Verdict } from '@riskledger/contracts'
import type { CaseName, OddityName, ScenarioLabel } from './scenario-item'

/** What was decided on an event. Events without a decision count as allowed. */
export interface JudgedDecision {
  readonly eventId: string
  readonly verdict: Verdict
}

/** How a labelled case or oddity ended. */
export interface JudgedStory {
  readonly id: string
  readonly name: CaseName | OddityName
  readonly accountId: string
  /** Strictest verdict on any of its signs. */
  readonly verdict: Verdict
  readonly expected: 'challenge' | 'hold' | null
  /** A case: caught. An oddity: held or blocked, which it should not have been. */
  readonly hit: boolean
}

/** The answer of `judgeScenario`. */
export interface ScenarioJudgement {
  readonly cases: readonly JudgedStory[]
  readonly oddities: readonly JudgedStory[]
  readonly casesCaught: number
  readonly casesMissed: number
  readonly odditiesHeld: number
  /** Events outside of every case that were held or blocked. */
  readonly falseAlarms: number
  /** Of the screened events outside of every case, parts per million, half up. */
  readonly falseAlarmsPpm: number
}

const STRICTNESS: Readonly<Record<Verdict, number>> = { allow: 0, challenge: 1, hold: 2, block: 3 }

/**
 * Judges what was decided on a scenario by its labels. A case is caught when any of its signs got the expected verdict or a
 * stricter one. A false alarm is a hold or a block on an event that belongs to no case; challenges, random ones among them, are none.
 *
 * `screened`: how many events got a verdict, `allow` included; `decisions` may leave out the allowed ones.
 */
export function judgeScenario(
  labels: Iterable<ScenarioLabel>,
  decisions: Iterable<JudgedDecision>,
  options: { readonly screened: number },
): ScenarioJudgement {
  const verdicts = new Map<string, Verdict>()
  for (const { eventId, verdict } of decisions) {
    const known = verdicts.get(eventId)
    if (known === undefined || STRICTNESS[verdict] > STRICTNESS[known]) verdicts.set(eventId, verdict)
  }
  const stories = new Map<string, { label: ScenarioLabel; verdict: Verdict }>()
  const inCases = new Set<string>()
  let caseEventsScreened = 0
  for (const label of labels) {
    if (label.kind === 'case' && !inCases.has(label.eventId)) {
      inCases.add(label.eventId)
      if (label.topic === 'payments' || label.topic === 'logins' || label.topic === 'p2p-trades') caseEventsScreened++
    }
    if (label.role !== 'sign') continue
    const verdict = verdicts.get(label.eventId) ?? 'allow'
    const story = stories.get(label.id)
    if (story === undefined) stories.set(label.id, { label, verdict })
    else if (STRICTNESS[verdict] > STRICTNESS[story.verdict]) story.verdict = verdict
  }
  let falseAlarms = 0
  for (const [eventId, verdict] of verdicts) if (STRICTNESS[verdict] >= STRICTNESS.hold && !inCases.has(eventId)) falseAlarms++

  const judged = [...stories.values()].map(({ label, verdict }) => judge(label, verdict))
  const cases = judged.filter((story) => story.expected !== null)
  const oddities = judged.filter((story) => story.expected === null)
  const casesCaught = cases.filter((story) => story.hit).length
  const others = Math.max(1, options.screened - caseEventsScreened)
  return {
    cases,
    oddities,
    casesCaught,
    casesMissed: cases.length - casesCaught,
    odditiesHeld: oddities.filter((story) => story.hit).length,
    falseAlarms,
    falseAlarmsPpm: Math.round((falseAlarms * 1_000_000) / others),
  }
}

function judge(label: ScenarioLabel, verdict: Verdict): JudgedStory {
  const hit = STRICTNESS[verdict] >= STRICTNESS[label.expected ?? 'hold']
  return { id: label.id, name: label.name, accountId: label.accountId, verdict, expected: label.expected, hit }
}
