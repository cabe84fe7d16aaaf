import { MOST_STATE_BYTES, RiskError } from '@riskledger/contracts'
import type { AcceptedPolicy } from '@riskledger/policy'
import { startThread, threadModule, type Thread } from '@riskledger/runtime'
import { measureState, writeState, type WorkerState } from '@riskledger/screening'
import { ByteWriter } from '@riskledger/windows'
import type { StateHashThreadInput } from './state-hash-thread'

const STATE_HASH_THREAD = threadModule(__dirname, { source: 'state-hash-thread.ts', bundled: 'state-hash-thread' })
/** Up to here a hash takes about a tenth of a second, no more than a thread takes to start. */
const LARGE_STATE_BYTES = 16 * 2 ** 20

/** Hashes states while their partitions go on. */
export interface StateHasher {
  /** Whether the state is so large that it should be hashed here, and not by whoever holds it. */
  takes(state: WorkerState): boolean
  /** Copies the state before it returns; resolves to the copy's `stateHash`. Rejects with `cancelled` once closed, with
   * `limit-reached` where there is no room for the copy, and with why it could not be copied or hashed. */
  hash(state: WorkerState, policy: AcceptedPolicy): Promise<string>
}

/** Copies states at once, a twentieth of the time that their hashes take, and hashes the copies one after the other, each in a thread of its own. */
export class ThreadedStateHasher implements StateHasher {
  private readonly largeBytes: number
  private last: Promise<unknown> = Promise.resolve()
  private running: Thread<unknown, string> | null = null
  private closed = false
  private readonly mostCopiedBytes: number
  private copiedBytes = 0

  /** `largeBytes`: from here on a state is hashed here; default 16 MiB. `mostCopiedBytes`: of all copies that wait for their hash; default 2 GiB. */
  constructor({
    largeBytes = LARGE_STATE_BYTES,
    mostCopiedBytes = MOST_STATE_BYTES,
  }: { readonly largeBytes?: number; readonly mostCopiedBytes?: number } = {}) {
    this.largeBytes = largeBytes
    this.mostCopiedBytes = mostCopiedBytes
  }

  takes(state: WorkerState): boolean {
    return measureState(state) >= this.largeBytes
  }

  async hash(state: WorkerState, { canonicalBytes: policy }: AcceptedPolicy): Promise<string> {
    const bytes = measureState(state)
    if (this.copiedBytes + bytes > this.mostCopiedBytes) {
      const text = `a copy of ${bytes} bytes, beside others of ${this.copiedBytes} that wait for their hash, would be more than ${this.mostCopiedBytes}`
      throw new RiskError('limit-reached', text, { retriable: false, context: { bytes, copiedBytes: this.copiedBytes } })
    }
    const writer = new ByteWriter(bytes)
    writeState(state, writer)
    this.copiedBytes += bytes
    const hashed = this.last.then(() => this.start({ state: writer.written(), policy }))
    this.last = hashed.catch(() => undefined)
    try {
      return await hashed
    } finally {
      this.copiedBytes -= bytes
    }
  }

  /** Ends the thread at once: what it has not told by now nobody will hear. */
  async close(): Promise<void> {
    this.closed = true
    await this.running?.terminate()
    await this.last
  }

  private async start(input: StateHashThreadInput): Promise<string> {
    this.assertOpen()
    this.running = startThread(STATE_HASH_THREAD, { name: 'state-hash', input, transfer: [input.state.buffer as ArrayBuffer] })
    try {
      return await this.running.done
    } catch (error) {
      this.assertOpen()
      throw error
    } finally {
      this.running = null
    }
  }

  private assertOpen(): void {
    if (this.closed) throw new RiskError('cancelled', 'the state is not hashed: the screener stops.', { retriable: false })
  }
}
