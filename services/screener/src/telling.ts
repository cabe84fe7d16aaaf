import type { JournalFold } from '@riskledger/screening'
import type { WorkerOptions } from './partition-worker'
import { countsOf } from './screening-metrics'
import type { InputCounts, ScreenerMessage, ScreenerTells } from './screener-protocol'

/** Who tells, how much, and whom. */
export interface TellingOptions {
  readonly partition: number
  readonly tells: ScreenerTells
  readonly post: (message: ScreenerMessage) => void
  /** Called after each batch of inputs, whatever is told. */
  readonly onProgress: () => void
}

/** What a worker's batches and idleness are told by. */
export function tellingOf({ partition, tells, post, onProgress }: TellingOptions): Pick<WorkerOptions, 'onBatch' | 'onIdle'> {
  return {
    onBatch: (batch, fold) => {
      if (batch.inputCount > 0) onProgress()
      if (tells === 'assignments') return
      post({
        kind: 'batch',
        partition,
        inputs: fold.step!.nextSequence - 1,
        revision: batch.head.revision,
        counts: inputCountsOf(fold),
        decisions: tells === 'decisions' ? batch.decisions : [],
      })
    },
    onIdle: (nextOffsets) => {
      if (tells !== 'assignments') post({ kind: 'idle', partition, nextOffsets })
    },
  }
}

/** Inputs of a partition by what became of them. */
export function inputCountsOf({ step }: JournalFold): InputCounts {
  return { ...countsOf(step!), dedupeUnchecked: step!.dedupeUncheckedCount }
}
