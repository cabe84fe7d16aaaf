import type { Snapshot, SnapshotStore } from '@riskledger/contracts'
import { aborted, runThread, toPlainError } from '@riskledger/runtime'
import { openSnapshotStore } from '@riskledger/snapshots'
import type { SnapshotMessage, SnapshotRequest, SnapshotThreadInput } from './snapshot-protocol'

/** Keeps snapshots for the screener: hashing and writing hundreds of MiB would hold up every verdict meanwhile. */
runThread<SnapshotThreadInput>(async ({ input, signal, ready, post, onMessage }) => {
  const say = (message: SnapshotMessage, transfer?: readonly ArrayBuffer[]): void => post(message, transfer)
  const store = openSnapshotStore({ folder: input.folder, onDamaged: (damage) => say({ kind: 'damaged', ...damage }) })
  try {
    onMessage((message) => {
      const request = message as SnapshotRequest
      answer(store, request, say).catch((error: unknown) => say({ kind: 'failed', number: request.number, error: toPlainError(error) }))
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
  say: (message: SnapshotMessage, transfer?: readonly ArrayBuffer[]) => void,
): Promise<void> {
  const { number } = request
  if (request.kind === 'prefault') {
    prefaultPages(request)
    say({ kind: 'prefaulted', number })
    return
  }
  if (request.kind === 'save') {
    await store.save(request.name, request.snapshot)
    say({ kind: 'saved', number })
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

/** Changes nothing, also where somebody writes there meanwhile; a page that is written to is there from then on. */
function prefaultPages({ memory, fromByte, toByte }: Extract<SnapshotRequest, { kind: 'prefault' }>): void {
  const bytes = new Uint8Array(memory)
  for (let at = fromByte; at < toByte; at += PAGE_BYTES) Atomics.or(bytes, at, 0)
}
