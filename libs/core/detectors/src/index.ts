export { compilePolicy, type CompiledCombination, type CompiledPolicy } from './compile-policy'
export { describeDecision, type DescribedDecision } from './describe-decision'
export { score, scoreWithout, verdictOf } from './score'
export { MAX_COMBINATIONS, MAX_SIGNALS, newScoreCard, type ScoreCard } from './score-card'
