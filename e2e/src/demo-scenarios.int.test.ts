import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parsePolicy, type AcceptedPolicy } from '@riskledger/policy'
import { installationRoot } from '@riskledger/runtime'
import { formatScenarioItem, generateScenario, judgeScenario, type ScenarioJudgement, type ScenarioLabel } from '@riskledger/simulation'
import { screenInMemory } from '@riskledger/testing'

const OTHER_SEEDS = Array.from({ length: 20 }, (_, index) => 101 + index)

describe('the default policy on generated scenarios', () => {
  const policy = defaultPolicy()

  it("catches every case of the demo's own seed and holds no honest oddity", () => {
    const { judgement } = play(7, policy)
    expect(judgement.cases.filter((story) => !story.hit)).toEqual([])
    expect(judgement.cases).toHaveLength(5)
    expect(judgement.oddities).toHaveLength(25)
    expect(judgement.oddities.filter((story) => story.hit)).toEqual([])
    expect(judgement.falseAlarmsPpm).toBeLessThan(10_000)
  })

  it('catches at least nine in ten cases of 20 other seeds, with false alarms below 1 % in each', () => {
    const plays = OTHER_SEEDS.map((seed) => ({ seed, ...play(seed, policy) }))
    const caught = plays.reduce((sum, { judgement }) => sum + judgement.casesCaught, 0)
    const planted = plays.reduce((sum, { judgement }) => sum + judgement.cases.length, 0)
    expect(planted).toBe(100)
    expect(caught / planted).toBeGreaterThanOrEqual(0.9)
    for (const { judgement, toPersonShare } of plays) {
      expect(judgement.falseAlarmsPpm).toBeLessThan(10_000)
      expect(toPersonShare).toBeLessThan(0.03)
    }
  }, 240_000)
})

function play(seed: number, policy: AcceptedPolicy): { readonly judgement: ScenarioJudgement; readonly toPersonShare: number } {
  const labels: ScenarioLabel[] = []
  const result = screenInMemory(linesOf(seed, labels), { policy })
  const judgement = judgeScenario(labels, result.decisions, { screened: result.statuses.screened })
  return { judgement, toPersonShare: (result.verdicts.hold + result.verdicts.block) / result.inputs }
}

function* linesOf(seed: number, labels: ScenarioLabel[]): Generator<string, void, void> {
  for (const item of generateScenario({ seed })) {
    if (item.kind === 'event' && item.label !== undefined) labels.push(item.label)
    yield formatScenarioItem(item)
  }
}

function defaultPolicy(): AcceptedPolicy {
  const result = parsePolicy(readFileSync(join(installationRoot(), 'policies', 'default.yaml'), 'utf8'))
  if (result.kind === 'rejected') throw new Error(result.problems[0].message)
  return result
}
