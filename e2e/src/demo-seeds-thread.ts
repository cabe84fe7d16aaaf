import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parsePolicy } from '@riskledger/policy'
import { installationRoot, runThread } from '@riskledger/runtime'
import { generateScenario, judgeScenario, type ScenarioJudgement } from '@riskledger/simulation'
import { screenInMemory } from './screen-in-memory'

/** A scenario, screened by the default policy and judged. */
export interface PlayedSeed {
  readonly seed: number
  readonly judgement: ScenarioJudgement
  /** Held or blocked, of all inputs. */
  readonly toPersonShare: number
}

/** Plays default scenarios of the given seeds through the core; a thread of its own, because Jest's modules take three times as long. */
runThread<readonly number[]>(({ input, ready }) => {
  ready()
  return Promise.resolve(input.map(play))
})

function play(seed: number): PlayedSeed {
  const policy = parsePolicy(readFileSync(join(installationRoot(), 'policies', 'default.yaml'), 'utf8'))
  if (policy.kind === 'rejected') throw new Error(policy.problems[0].message)
  const items = [...generateScenario({ seed })]
  const labels = items.flatMap((item) => (item.kind === 'event' && item.label !== undefined ? [item.label] : []))
  const result = screenInMemory(items, { policy })
  const judgement = judgeScenario(labels, result.decisions, { screened: result.statuses.screened })
  return { seed, judgement, toPersonShare: (result.verdicts.hold + result.verdicts.block) / result.inputs }
}
