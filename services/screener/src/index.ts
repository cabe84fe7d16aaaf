import { threadModule } from '@riskledger/runtime'

export { challengeDraw } from './challenge-draw'
export { assertChallengeSecret, TEST_CHALLENGE_SECRET } from './challenge-secret'
export { entriesAhead } from './entries-ahead'
export { isWorthAThread } from './entries-beyond'
export { foldForward, foldFromSnapshot, type FoldContext } from './fold-journal'
export { startPartitionWorker, type PartitionWorker, type WorkerOptions } from './partition-worker'
export { PolicyShelf } from './policy-shelf'
export { assertSameEpochs, takeOver, type TakeOverOptions } from './take-over'
export { PartitionWorkers, type PartitionWorkersOptions } from './partition-workers'
export { DEFAULT_PACE, paceFrom, type WorkerPace } from './worker-pace'
export type {
  Assignment,
  InputCounts,
  PartitionTaken,
  ScreenerMessage,
  ScreenerReady,
  ScreenerRequest,
  ScreenerTells,
  ScreenerThreadInput,
} from './screener-protocol'

/** The module that `startThread` runs as the screener thread. */
export const SCREENER_THREAD = threadModule(__dirname, { source: 'thread.ts', bundled: 'screener-thread' })
