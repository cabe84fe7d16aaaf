import type { Logger, Snapshot, SnapshotPlace, SnapshotStore } from '@riskledger/contracts'
import { fromPlainError, startThread, threadModule, type Thread } from '@riskledger/runtime'
import type { SnapshotMessage, SnapshotRequest, SnapshotThreadInput } from './snapshot-protocol'

const SNAPSHOT_THREAD = threadModule(__dirname, { source: 'snapshot-thread.ts', bundled: 'snapshot-thread' })

/**
 * Opens the snapshot store of a folder in a thread of its own. States that lie in shared memory are not copied on their way there. What is damaged is
 * logged and left out. Errors are the store's; where the thread died every call rejects with why.
 */
export async function openSnapshots({ folder, logger }: SnapshotThreadInput & { readonly logger: Logger }): Promise<ThreadedSnapshots> {
  const snapshots = new ThreadedSnapshots({ folder }, logger)
  await snapshots.opened
  return snapshots
}

type Answer = Exclude<SnapshotMessage, { readonly kind: 'damaged' | 'failed' }>

interface Asked {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/** A snapshot store in a thread of its own. */
export class ThreadedSnapshots implements SnapshotStore {
  readonly opened: Promise<unknown>
  private readonly thread: Thread
  private readonly waiting = new Map<number, Asked>()
  private lastNumber = 0
  /** Asked for before anybody loads it. */
  private ahead: { readonly name: string; readonly answer: Promise<Answer> } | null = null
  /** Why the thread answers nothing any more. */
  private ended: Error | null = null

  constructor(
    input: SnapshotThreadInput,
    private readonly logger: Logger,
  ) {
    this.thread = startThread(SNAPSHOT_THREAD, { name: 'snapshots', input, onMessage: (message) => this.hear(message as SnapshotMessage) })
    this.opened = this.thread.ready
    this.thread.done.then(
      () => this.end(new Error('the snapshot store was closed')),
      (error: Error) => this.end(error),
    )
  }

  async save(name: string, snapshot: Snapshot): Promise<void> {
    await this.ask({ kind: 'save', number: ++this.lastNumber, name, snapshot })
  }

  async *load(name: string): AsyncGenerator<Snapshot, void, undefined> {
    for (let newer = 0; ; newer++) {
      const ahead = newer === 0 && this.ahead?.name === name ? this.ahead.answer : null
      if (ahead !== null) this.ahead = null
      const answer = await (ahead ?? this.askToLoad(name, newer))
      if (answer.kind !== 'loaded' || answer.snapshot === null) return
      yield answer.snapshot
    }
  }

  /** Begins to load the newest of a name that is wanted next, and forgets another one that nobody came for: a state takes as much memory as it has bytes. */
  loadAhead(name: string | null): void {
    if (name === null) {
      this.ahead = null
      return
    }
    const answer = this.askToLoad(name, 0)
    // Whoever loads it sees the rejection.
    answer.catch(() => undefined)
    this.ahead = { name, answer }
  }

  async newest(name: string): Promise<SnapshotPlace | null> {
    const answer = await this.ask({ kind: 'newest', number: ++this.lastNumber, name })
    return answer.kind === 'placed' ? answer.place : null
  }

  /** Faults pages of shared memory in while the caller goes on; what is in them stays. Resolves once all are there; rejects where the thread has ended. */
  async prefault(memory: SharedArrayBuffer, range: { readonly fromByte: number; readonly toByte: number }): Promise<void> {
    await this.ask({ kind: 'prefault', number: ++this.lastNumber, memory, ...range })
  }

  async close(): Promise<void> {
    await this.thread.stop()
  }

  private askToLoad(name: string, newer: number): Promise<Answer> {
    return this.ask({ kind: 'load', number: ++this.lastNumber, name, newer })
  }

  private ask(request: SnapshotRequest): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.ended !== null) return reject(this.ended)
      this.waiting.set(request.number, { resolve, reject })
      this.thread.post(request)
    })
  }

  private hear(message: SnapshotMessage): void {
    if (message.kind === 'damaged') return this.logger.warn('a damaged snapshot is left out', { ...message })
    const asked = this.waiting.get(message.number)
    this.waiting.delete(message.number)
    if (message.kind === 'failed') asked?.reject(fromPlainError(message.error))
    else asked?.resolve(message)
  }

  private end(error: Error): void {
    this.ended = error
    for (const { reject } of this.waiting.values()) reject(error)
    this.waiting.clear()
  }
}
