import { threadModule } from '@riskledger/runtime'

export { assertChallengeSecret, challengeDraw } from './challenge-draw'
export { crashPointFrom } from './crash-point'
export { foldForward, foldFromSnapshot, type FoldContext } from './fold-journal'
export { startPartitionWorker, type PartitionWorker, type WorkerOptions } from './partition-worker'
export { PolicyShelf } from './policy-shelf'
export type { InputCounts, ScreenerMessage, ScreenerRequest, ScreenerThreadInput } from './screener-protocol'

/** The module that `startThread` runs as the screener thread. */
export const SCREENER_THREAD = threadModule(__dirname, { source: 'thread.ts', bundled: 'screener-thread' })
