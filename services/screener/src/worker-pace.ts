import { RiskError } from '@riskledger/contracts'

/** What snapshots leave to who decides: while a state is copied nothing is decided, and to save it keeps a core and the disk busy. */
export interface SnapshotSpacing {
  /** Time between two snapshots of a partition, in ms. */
  readonly minIntervalMs: number
  /** Bytes of state that a process copies in a second on average, at most, for whichever of its partitions. */
  readonly bytesPerSecond: number
}

/** How much a worker takes at a time. */
export interface WorkerPace {
  /** Inputs of a batch at most; the journal's own bound is in bytes. */
  readonly batchInputs: number
  /**
   * A snapshot of a partition is due after so many inputs, or after `snapshotEntries` journal entries, whichever comes first. A restart folds about as many, or what
   * came within the spacing where that is more.
   */
  readonly snapshotInputs: number
  /** An entry of few inputs takes as long to read and fold as ten inputs. Left out: inputs alone count. */
  readonly snapshotEntries?: number
  /** Left out: snapshots are as many as are due, and one that is due waits until the one before is saved. */
  readonly snapshotSpacing?: SnapshotSpacing
}

/**
 * What every command uses unless the environment says otherwise. 16 MiB a second are 0.4 to 0.8 % of the time for copies, 2 % of a core for packing them, and a few MiB a
 * second for the disk.
 */
export const DEFAULT_PACE: WorkerPace = {
  batchInputs: 4_096,
  snapshotInputs: 25_000,
  snapshotEntries: 2_500,
  snapshotSpacing: { minIntervalMs: 15_000, bytesPerSecond: 16 * 2 ** 20 },
}

/**
 * The pace that RISKLEDGER_BATCH_INPUTS (1 to 4,096) and RISKLEDGER_SNAPSHOT_INPUTS (1 to 1,000,000,000; entries do not count then, nor does time) set, else
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
