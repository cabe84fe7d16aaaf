import { fromPlainError, startThread, threadModule, type Thread } from '@riskledger/runtime'
import type { SnapshotMessage, SnapshotRequest, SnapshotThreadInput } from './snapshot-protocol'

const SNAPSHOT_THREAD = threadModule(__dirname, { source: 'snapshot-thread.ts', bundled: 'snapshot-thread' })

/** What a request is answered with. */
export type SnapshotAnswer = Exclude<SnapshotMessage, { readonly kind: 'damaged' | 'failed' }>
type SnapshotDamage = Extract<SnapshotMessage, { readonly kind: 'damaged' }>
type WithoutNumber<Request> = Request extends unknown ? Omit<Request, 'number'> : never

interface Asked {
  readonly resolve: (answer: SnapshotAnswer) => void
  readonly reject: (error: unknown) => void
}

/** A snapshot store in a thread, and who waits for its answers. */
export class SnapshotWorker {
  readonly ready: Promise<unknown>
  private readonly thread: Thread
  private readonly waiting = new Map<number, Asked>()
  private lastNumber = 0
  /** Why the thread answers nothing any more. */
  private ended: Error | null = null

  constructor(
    input: SnapshotThreadInput,
    private readonly onDamaged: (damage: SnapshotDamage) => void,
  ) {
    this.thread = startThread(SNAPSHOT_THREAD, {
      name: input.inBackground ? 'snapshots-saving' : 'snapshots-loading',
      input,
      onMessage: (message) => this.hear(message as SnapshotMessage),
    })
    this.ready = this.thread.ready
    // Each call rejects with it; nobody need wait for this.
    this.ready.catch(() => undefined)
    this.thread.done.then(
      () => this.end(new Error('the snapshot store was closed')),
      (error: Error) => this.end(error),
    )
  }

  /** True once the thread answers nothing any more. */
  get hasEnded(): boolean {
    return this.ended !== null
  }

  /** Rejects with the store's error, and where the thread has ended with why. */
  ask(request: WithoutNumber<SnapshotRequest>): Promise<SnapshotAnswer> {
    return new Promise((resolve, reject) => {
      if (this.ended !== null) return reject(this.ended)
      const number = ++this.lastNumber
      this.waiting.set(number, { resolve, reject })
      this.thread.post({ ...request, number })
    })
  }

  /** Resolves once what is being saved is. */
  async stop(): Promise<void> {
    await this.thread.stop()
  }

  private hear(message: SnapshotMessage): void {
    if (message.kind === 'damaged') return this.onDamaged(message)
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
