import { EntryPacker, type WithData } from './packed-entries'
import type { ThreadContext } from './run-thread'

/** Packs that are handed over and not yet taken, at most: a few MiB, and never less than it takes to keep the other thread busy. */
const MAX_PACKS = 8

/**
 * Hands entries from this thread to its starter, who reads them with `readAhead`: in packs, in order, and never more than eight packs ahead.
 * Every pack is answered with a message.
 */
export class HandOver<T extends WithData> {
  private readonly packer = new EntryPacker<T>()
  private room = MAX_PACKS
  private wake = (): void => undefined

  constructor(private readonly context: Pick<ThreadContext<unknown>, 'signal' | 'post' | 'onMessage'>) {
    context.onMessage(() => {
      this.room++
      this.wake()
    })
    context.signal.addEventListener('abort', () => this.wake())
  }

  /** Adds an entry; resolves once there is room for the next. */
  async add(entry: T): Promise<void> {
    this.packer.add(entry)
    if (this.packer.full) await this.flush()
  }

  /** Hands over what was added; call it at the end. Once the starter wants no more it resolves at once. */
  async flush(): Promise<void> {
    if (this.packer.empty) return
    const { signal, post } = this.context
    while (this.room === 0 && !signal.aborted) await new Promise<void>((resolve) => (this.wake = resolve))
    this.room--
    const pack = this.packer.take()
    post(pack, [pack.bytes])
  }
}
