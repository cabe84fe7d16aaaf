import { MOST_STATE_BYTES, RiskError } from '@riskledger/contracts'
import type { AcceptedPolicy } from '@riskledger/policy'
import { startThread, threadModule, type Thread } from '@riskledger/runtime'
import { writeState, type WorkerState } from '@riskledger/screening'
import { ByteMeter, ByteWriter } from '@riskledger/windows'
import type { StateHashThreadInput } from './state-hash-thread'

const STATE_HASH_THREAD = threadModule(__dirname, { source: 'state-hash-thread.ts', bundled: 'state-hash-thread' })
/** Up to here a hash takes about a tenth of a second, no more than a thread takes to start. */
const LARGE_STATE_BYTES = 16 * 2 ** 20

/** Hashes states while their partitions go on. */
export interface StateHasher {
  /** Whether the state is so large that it should be hashed here, and not by whoever holds it. */
  takes(state: WorkerState): boolean
  /** Copies the state before it returns; resolves to the copy's `stateHash`. */
  hash(state: WorkerState, policy: AcceptedPolicy): Promise<string>
}

/** Hashes copies of states in a thread of its own for each, one after the other: a copy takes a twentieth of the time that its hash does. */
export class ThreadedStateHasher implements StateHasher {
  private readonly largeBytes: number
  private last: Promise<unknown> = Promise.resolve()
  private running: Thread<unknown, string> | null = null
  private closed = false

  constructor({ largeBytes = LARGE_STATE_BYTES }: { readonly largeBytes?: number } = {}) {
    this.largeBytes = largeBytes
  }

  /** False, too, where a copy would be larger than a snapshot may be. */
  takes(state: WorkerState): boolean {
    const bytes = lengthOf(state)
    return bytes >= this.largeBytes && bytes <= MOST_STATE_BYTES
  }

  /** Rejects with `cancelled` once it is closed, and with what the thread ended with. */
  hash(state: WorkerState, { canonicalBytes: policy }: AcceptedPolicy): Promise<string> {
    const writer = new ByteWriter(lengthOf(state))
    writeState(state, writer)
    const copy = writer.written()
    const hashed = this.last.then(() => this.start({ state: copy, policy }))
    this.last = hashed.catch(() => undefined)
    return hashed
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

function lengthOf(state: WorkerState): number {
  const meter = new ByteMeter()
  writeState(state, meter)
  return meter.lengthBytes
}
