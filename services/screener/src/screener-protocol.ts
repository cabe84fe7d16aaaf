import type { InputStatus, Verdict } from '@riskledger/contracts'
import type { RecordedDecision } from '@riskledger/screening'
import type { HealthAddress, LogAddress } from '@riskledger/runtime'
import type { WorkerPace } from './worker-pace'

/** Which partitions a screener works: these, or those that a consumer group gives it from time to time. */
export type Assignment =
  | { readonly kind: 'fixed'; readonly partitions: readonly number[] }
  | {
      readonly kind: 'group'
      /** Without the environment prefix. */
      readonly groupId: string
      /** A member that is not heard for this long is out; undefined: the adapter's default. */
      readonly sessionTimeoutMs: number | undefined
    }

/**
 * How much the screener thread tells, each with what is before it: the partitions that it was given; each batch and each moment of idleness; each batch's decisions.
 * A message wakes another thread, a tenth of what a batch of a few inputs costs: whoever shows nothing asks for nothing.
 */
export type ScreenerTells = 'assignments' | 'progress' | 'decisions'

/** What the screener thread is started with. */
export interface ScreenerThreadInput {
  readonly log: LogAddress
  /** Folder of snapshots, which can be deleted at any time but while it is in use. */
  readonly cacheFolder: string
  readonly assignment: Assignment
  readonly connectionString: string
  readonly partitionCount: number
  readonly environment: string
  readonly workerId: string
  readonly engineHash: string
  /** Canonical bytes of the policy to put into force at the start; null: the journals' own. */
  readonly policy: Uint8Array | null
  /** Canonical bytes of the policy with which a journal begins that has none yet; null: `policy`, or a refusal. */
  readonly firstPolicy: Uint8Array | null
  readonly challengeSecret: string
  /** How much is told while it runs. */
  readonly tells: ScreenerTells
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** Where to tell of health and metrics; null: nowhere. */
  readonly health: HealthAddress | null
  /** See `crashPointFrom`. */
  readonly crashAt: string | undefined
  readonly pace: WorkerPace
}

/** Inputs by what became of them, since the journal's beginning. */
export interface InputCounts {
  readonly statuses: Readonly<Record<InputStatus, number>>
  readonly verdicts: Readonly<Record<Verdict, number>>
  readonly dedupeUnchecked: number
}

/** Where the journal of a partition that was taken over stands. */
export interface PartitionTaken {
  readonly partition: number
  readonly inputs: number
  readonly counts: InputCounts
  readonly policyHash: string
}

/** What the screener thread is ready with: the partitions of a fixed assignment; none yet of a group's. */
export interface ScreenerReady {
  readonly partitions: readonly PartitionTaken[]
}

/** What the screener thread tells. */
export type ScreenerMessage =
  | { readonly kind: 'assigned'; readonly partitions: readonly PartitionTaken[] }
  | {
      readonly kind: 'batch'
      readonly partition: number
      /** Inputs in the partition's journal so far. */
      readonly inputs: number
      readonly revision: number
      readonly counts: InputCounts
      readonly decisions: readonly RecordedDecision[]
    }
  | { readonly kind: 'idle'; readonly partition: number; readonly nextOffsets: readonly number[] }

/** What the screener thread can be asked. */
export type ScreenerRequest = { readonly kind: 'activate'; readonly policy: Uint8Array }
