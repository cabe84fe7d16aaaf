import { FingerprintIndex } from '@riskledger/windows'
import type { LabelQueue } from './label-queue'

/** Which (account, business id) pairs are remembered, by two 32-bit hashes that lie in two lanes of the label queue's entries. */
export class RecentIds {
  private readonly index = new FingerprintIndex()
  private readonly search = { at: -1 }

  constructor(
    private readonly queue: LabelQueue,
    private readonly lanes: { readonly account: number; readonly id: number },
  ) {}

  private account(entry: number): number {
    return this.queue.words[this.queue.lanes(entry) + this.lanes.account]
  }

  private id(entry: number): number {
    return this.queue.words[this.queue.lanes(entry) + this.lanes.id]
  }

  /** The entry of the pair, or -1 if it is not remembered. */
  find(account: number, id: number): number {
    const cursor = this.search
    cursor.at = -1
    for (;;) {
      const entry = this.index.next(account >>> 0, id >>> 0, cursor)
      if (entry < 0) return -1
      if (this.account(entry) === (account | 0) && this.id(entry) === (id | 0)) return entry
    }
  }

  /** Remembers an entry, whose lanes are filled. */
  add(entry: number): void {
    this.index.add(entry, this.account(entry) >>> 0, this.id(entry) >>> 0)
  }

  /** Forgets an entry, whose lanes are as they were when it was added. */
  remove(entry: number): void {
    this.index.remove(entry, this.account(entry) >>> 0, this.id(entry) >>> 0)
  }

  /** Reads what `find` and `add` of a pair will read, and nothing else: memory asked for ahead. */
  touch(account: number, id: number): number {
    return this.index.touch(account >>> 0, id >>> 0)
  }

  /** Reads what `remove` of an entry will read; see `touch`. */
  touchRemoval(entry: number): number {
    return this.index.touch(this.account(entry) >>> 0, this.id(entry) >>> 0)
  }
}
