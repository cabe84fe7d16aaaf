import { RiskError } from '@riskledger/contracts'

/** How much a worker takes at a time. */
export interface WorkerPace {
  /** Inputs of a batch at most; the journal's own bound is in bytes. */
  readonly batchInputs: number
  /** Inputs between two snapshots of a partition at least. A restart folds about as many, or what came within the spacing where that is more. */
  readonly snapshotInputs: number
  /**
   * Time between two snapshots of a process, whichever partitions they are of, in ms at least, or a second for each 16 MiB of the last one, where that is
   * longer: while one is copied nothing is decided, and a large one keeps a core and the disk busy. Left out: snapshots are as many as `snapshotInputs` says,
   * and one that is due waits until the one before is saved.
   */
  readonly snapshotSpacingMs?: number
}

/** What every command uses unless the environment says otherwise. */
export const DEFAULT_PACE: WorkerPace = { batchInputs: 4_096, snapshotInputs: 25_000, snapshotSpacingMs: 15_000 }

/**
 * The pace that RISKLEDGER_BATCH_INPUTS (1 to 4,096) and RISKLEDGER_SNAPSHOT_INPUTS (1 to 1,000,000,000; without the spacing in time) set, else
 * the default. They exist for tests of recovery, which want many batches and snapshots of few inputs; they change no verdict. Throws `configuration-invalid`.
 */
export function paceFrom(environment: Readonly<Record<string, string | undefined>>): WorkerPace {
  const { batchInputs, ...snapshots } = DEFAULT_PACE
  const snapshotInputs = read(environment, 'RISKLEDGER_SNAPSHOT_INPUTS', { most: 1_000_000_000, otherwise: 0 })
  return {
    batchInputs: read(environment, 'RISKLEDGER_BATCH_INPUTS', { most: batchInputs, otherwise: batchInputs }),
    ...(snapshotInputs === 0 ? snapshots : { snapshotInputs }),
  }
}

function read(
  environment: Readonly<Record<string, string | undefined>>,
  name: string,
  { most, otherwise }: { readonly most: number; readonly otherwise: number },
): number {
  const text = environment[name]
  if (text === undefined || text === '') return otherwise
  if (/^[1-9]\d{0,9}$/.test(text) && Number(text) <= most) return Number(text)
  throw new RiskError('configuration-invalid', `${name} is ${text}; it is a whole number from 1 to ${most}.`, { retriable: false })
}
