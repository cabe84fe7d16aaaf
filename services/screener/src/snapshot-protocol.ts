import type { Snapshot, SnapshotPlace } from '@riskledger/contracts'
import type { PlainError } from '@riskledger/runtime'

/** What a snapshot thread is started with. */
export interface SnapshotThreadInput {
  /** Folder of the store. */
  readonly folder: string
  /** Every other thread goes first. */
  readonly inBackground: boolean
}

/**
 * What it is asked; answered under the same number, each as it is done. `newer` snapshots of the name are passed over; `newest` asks for the place alone. `prefault` has pages of
 * shared memory mapped, and changes nothing in them.
 */
export type SnapshotRequest =
  | { readonly kind: 'save'; readonly number: number; readonly name: string; readonly snapshot: Snapshot }
  | { readonly kind: 'load'; readonly number: number; readonly name: string; readonly newer: number }
  | { readonly kind: 'newest'; readonly number: number; readonly name: string }
  | {
      readonly kind: 'prefault'
      readonly number: number
      readonly memory: SharedArrayBuffer
      readonly fromByte: number
      readonly toByte: number
    }

/** What it says. */
export type SnapshotMessage =
  | { readonly kind: 'saved' | 'prefaulted'; readonly number: number }
  | { readonly kind: 'loaded'; readonly number: number; readonly snapshot: Snapshot | null }
  | { readonly kind: 'placed'; readonly number: number; readonly place: SnapshotPlace | null }
  | { readonly kind: 'failed'; readonly number: number; readonly error: PlainError }
  | { readonly kind: 'damaged'; readonly name: string; readonly sequence: number; readonly reason: string }
