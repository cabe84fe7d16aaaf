export { BATCH_BYTES, BatchBuilder, type RecordedDecision, type SealedBatch } from './batch-builder'
export type { AnswerDraft } from './answer-given'
export { accountBytes } from './admit'
export { businessIdOf } from './business-id'
export type { FactDesk, FactsRead, OfferedThrough } from './fact-desk'
export type { FactReference, KnownFact } from './fact-shelf'
export {
  JournalFold,
  identityOf,
  type InputVisitor,
  type Mismatch,
  type SegmentOpened,
  type StateAttested,
  type TenureBegan,
} from './journal-fold'
export {
  MAX_BODY_BYTES,
  ScreeningStep,
  emptyInputToScreen,
  type ChallengeDraw,
  type DecisionDraft,
  type InputToScreen,
  type PartitionIdentity,
  type RawEvent,
} from './screening-step'
export { hashOfCopy, measureState, policyHashOfState, readState, writeState, type WorkerState } from './state-snapshot'
export { TopicMerge, type MergeItem } from './topic-merge'
export { screenBatches, type InputBatch, type ScreeningStage } from './screen-batches'
export { TOUCH_AHEAD } from './touch-ahead'
