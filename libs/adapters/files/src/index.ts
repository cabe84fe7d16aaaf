export { type Emission, KEPT_OF_LONG_LINE_BYTES, MAX_LINE_BYTES, type Rejection } from './emission'
export { checkedNames, importFiles, type ImportOptions, type ImportProgress, type ImportSummary } from './import-files'
export type { ImportCrashPoint } from './log-feeder'
export { type Condition, type EventRule, type FieldRule, type Mapping, type MappingProblem, parseMapping } from './mapping'
