import { strict as assert } from 'node:assert'
import { MOST_STATE_BYTES } from '@riskledger/contracts'
import { measureState, writeState, type WorkerState } from '@riskledger/screening'
import { ByteWriter } from '@riskledger/windows'

export interface SnapshotRoomOptions {
  readonly nowMs: () => number
  /** Bytes of state copied in a second on average, at most: the larger a state, the longer until the next copy, of whichever partition. Default: no bound. */
  readonly bytesPerSecond?: number | undefined
  /**
   * Prefaults the pages of shared memory `[fromByte, toByte)` in the background and settles when that has ended; what is in them stays. Default: each is
   * faulted in as it is first written to.
   */
  readonly prefault?: (memory: SharedArrayBuffer, range: { readonly fromByte: number; readonly toByte: number }) => Promise<void>
}

/**
 * Memory into which the states of a process's partitions are copied, one at a time, until they are saved. It is shared with whoever saves them, grows where
 * it lies, and is kept: faulting a page in takes many times longer than copying into it.
 */
export class SnapshotRoom {
  /** From when on there may be another copy; epoch milliseconds. */
  notBeforeMs = -Infinity
  private memory: SharedArrayBuffer | null = null
  private writer: ByteWriter | null = null
  private prefaultedBytes = 0
  private prefaulting = 0
  private saving: Promise<void> | null = null

  constructor(private readonly options: SnapshotRoomOptions) {}

  get isSaving(): boolean {
    return this.saving !== null
  }

  /** Whether its pages are still being prefaulted: a copy would take several times as long meanwhile. */
  get isPrefaulting(): boolean {
    return this.prefaulting > 0
  }

  /** Resolves once what is being saved out of it is; by the time that the caller goes on somebody else may have copied into it. */
  async whenSaved(): Promise<void> {
    await this.saving
  }

  /** Has memory at hand for a state that is copied soon. */
  prepareFor(state: WorkerState): void {
    const toByte = Math.min(MOST_STATE_BYTES, Math.ceil(measureState(state) * 1.05))
    const fromByte = this.prefaultedBytes
    if (toByte <= fromByte) return
    this.prefaultedBytes = toByte
    const { prefault } = this.options
    if (prefault === undefined) return
    const ended = (): void => void this.prefaulting--
    const prefaulted = prefault(this.grown(toByte), { fromByte, toByte })
    this.prefaulting++
    // Where it failed, a copy faults the pages in itself.
    prefaulted.then(ended, ended)
  }

  /** Copies a state for `save`, until whose end the copy stays as it is; settles as `save` does. Throws, and is free, where the state is larger than `MOST_STATE_BYTES`. */
  copy(state: WorkerState, save: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    assert(this.saving === null, 'what is being saved stays as it is')
    this.writer ??= new ByteWriter(1 << 20, (bytes) => this.grown(bytes))
    this.writer.reset()
    try {
      writeState(state, this.writer)
    } finally {
      const { nowMs, bytesPerSecond = Infinity } = this.options
      this.notBeforeMs = nowMs() + (this.writer.lengthBytes / bytesPerSecond) * 1_000
    }
    const saved = save(this.writer.written())
    const free = (): void => void (this.saving = null)
    this.saving = saved.then(free, free)
    return saved
  }

  /** Where it lies, so that nothing is copied; as large as there may be where that is less than what is asked for, and the writer finds out. */
  private grown(bytes: number): SharedArrayBuffer {
    this.memory ??= new SharedArrayBuffer(0, { maxByteLength: MOST_STATE_BYTES })
    if (bytes > this.memory.byteLength) this.memory.grow(Math.min(bytes, MOST_STATE_BYTES))
    return this.memory
  }
}
