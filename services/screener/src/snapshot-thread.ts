import { setTimeout } from 'node:timers/promises'
import type { Snapshot, SnapshotStore } from '@riskledger/contracts'
import { aborted, lowerPriority, runThread, toPlainError } from '@riskledger/runtime'
import { openSnapshotStore } from '@riskledger/snapshots'
import type { SnapshotMessage, SnapshotRequest, SnapshotThreadInput } from './snapshot-protocol'

/** Keeps snapshots for the screener: hashing and writing hundreds of MiB would hold up every verdict meanwhile. */
runThread<SnapshotThreadInput>(async ({ input, signal, ready, post, onMessage }) => {
  if (input.inBackground) lowerPriority()
  const say = (message: SnapshotMessage, transfer?: readonly ArrayBuffer[]): void => post(message, transfer)
  const store = openSnapshotStore({ folder: input.folder, onDamaged: (damage) => say({ kind: 'damaged', ...damage }) })
  try {
    onMessage((message) => {
      const request = message as SnapshotRequest
      answer(store, request, { say, signal }).catch((error: unknown) =>
        say({ kind: 'failed', number: request.number, error: toPlainError(error) }),
      )
    })
    ready()
    await aborted(signal)
  } finally {
    // After the saves that are under way.
    await store.close()
  }
})

async function answer(
  store: SnapshotStore,
  request: SnapshotRequest,
  { say, signal }: { readonly say: (message: SnapshotMessage, transfer?: readonly ArrayBuffer[]) => void; readonly signal: AbortSignal },
): Promise<void> {
  const { number } = request
  if (request.kind === 'prefault') {
    await prefaultPages(request, signal)
    say({ kind: 'prefaulted', number })
    return
  }
  if (request.kind === 'save') {
    await store.save(request.name, request.snapshot)
    say({ kind: 'saved', number })
    return
  }
  if (request.kind === 'newest') {
    say({ kind: 'placed', number, place: await store.newest(request.name) })
    return
  }
  const snapshot = await nth(store.load(request.name), request.newer)
  say({ kind: 'loaded', number, snapshot }, snapshot === null ? [] : [snapshot.state.buffer as ArrayBuffer])
}

async function nth(snapshots: AsyncIterable<Snapshot>, skipped: number): Promise<Snapshot | null> {
  let left = skipped
  for await (const snapshot of snapshots) if (left-- === 0) return snapshot
  return null
}

const PAGE_BYTES = 4_096
/** Prefaulted at once: a few milliseconds, in which no other thread of the process is given memory. */
const PREFAULT_SLICE_BYTES = 2 ** 20
const PREFAULT_PAUSE_MS = 4

/**
 * Changes nothing, also where somebody writes there meanwhile; a page that is written to is there from then on. In parts with pauses, some 1.5 s for 256 MiB, in which no snapshot
 * is copied: a process that has just started, and whose partitions all want memory, would wait for all of it otherwise.
 */
async function prefaultPages(
  { memory, fromByte, toByte }: Extract<SnapshotRequest, { kind: 'prefault' }>,
  signal: AbortSignal,
): Promise<void> {
  const bytes = new Uint8Array(memory)
  for (let from = fromByte; from < toByte; from += PREFAULT_SLICE_BYTES) {
    if (from > fromByte) await setTimeout(PREFAULT_PAUSE_MS, undefined, { signal })
    const to = Math.min(toByte, from + PREFAULT_SLICE_BYTES)
    for (let at = from; at < to; at += PAGE_BYTES) Atomics.or(bytes, at, 0)
  }
}
