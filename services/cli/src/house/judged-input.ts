import { join } from 'node:path'
import type { Ledger, SnapshotStore } from '@riskledger/contracts'
import { screeningStream } from '@riskledger/journal'
import { foldFromSnapshot, foldForward, PolicyShelf } from '@riskledger/screener'
import type { FactReference, ScreeningStep } from '@riskledger/screening'
import { openSnapshotStore } from '@riskledger/snapshots'
import type { FoundInput } from './find-input'
import { noticeDamage } from './notice'

type Judgement = NonNullable<ReturnType<ScreeningStep['describeLast']>>

/** What an input was judged on, found by folding the journal up to it. */
export interface JudgedInput {
  readonly described: Judgement['described']
  readonly features: Judgement['features']
  readonly facts: readonly FactReference[]
}

/**
 * Folds the journal up to an input and tells what its verdict stood on, as the journal does not say for an allowed one. Begins at the newest snapshot
 * before it. Null where the input was not judged (observed, duplicate, quarantined).
 */
export async function judgeAgain(
  found: FoundInput,
  options: {
    readonly ledger: Ledger
    readonly dataDir: string
    readonly environment: string
    readonly engineHash: string
    readonly onInputs?: (inputs: number) => void
  },
): Promise<JudgedInput | null> {
  const { ledger, dataDir, environment, engineHash } = options
  const stream = screeningStream(found.partition, 0, environment)
  const target = found.entry.revision
  const context = { ledger, policies: new PolicyShelf(ledger, environment) }
  const snapshots = openSnapshotStore({ folder: join(dataDir, 'cache', 'snapshots'), onDamaged: noticeDamage })
  try {
    const fold = await foldFromSnapshot(stream, context, { snapshots: upTo(snapshots, target - 1), formatHash: engineHash })
    let judged: JudgedInput | null = null
    await foldForward(fold, context, {
      until: target,
      onEntry: () => options.onInputs?.(fold.inputCount),
      visit: ({ sequence }) => {
        if (sequence !== found.sequence) return
        const last = fold.step!.describeLast()
        // The features are reused for the next input: a copy is kept.
        if (last !== null) judged = { described: last.described, features: structuredClone(last.features), facts: fold.step!.facts.used() }
      },
    })
    return judged
  } finally {
    await snapshots.close()
  }
}

/** Only snapshots that stand no later than a revision. */
function upTo(snapshots: SnapshotStore, revision: number): Pick<SnapshotStore, 'load'> {
  return {
    async *load(name) {
      for await (const snapshot of snapshots.load(name)) if (snapshot.revision <= revision) yield snapshot
    },
  }
}
