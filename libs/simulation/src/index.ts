export { CASE_NAMES, generateScenario, planScenario, SCENARIO_START_MS, type ScenarioOptions } from './generate-scenario'
export { type JudgedDecision, type JudgedStory, judgeScenario, type ScenarioJudgement } from './judge-scenario'
export { Random } from './random'
export {
  type CaseName,
  formatScenarioItem,
  type OddityName,
  type ScenarioEvent,
  type ScenarioItem,
  type ScenarioLabel,
} from './scenario-item'
export { DAY_MS, type ScenarioPlan } from './stage'
