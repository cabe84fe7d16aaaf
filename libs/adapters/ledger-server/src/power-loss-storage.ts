import type { LedgerStorage, StoredAppend, WriteProgress } from './ledger-storage'

interface Transaction {
  readonly appends: readonly StoredAppend[]
  readonly resolve: () => void
}

/**
 * A storage for tests that keeps apart what was written and what was flushed. Nothing is flushed until `flush()`; `afterPowerLoss()`
 * is what a machine would find once its power is back. Reads see what is written, as LMDB's do.
 */
export class PowerLossStorage implements LedgerStorage {
  private readonly appends: StoredAppend[] = []
  private readonly unflushed: Transaction[] = []
  private readonly failures: Error[] = []

  constructor(flushed: readonly StoredAppend[] = []) {
    this.appends.push(...flushed)
  }

  /** Transactions written and not flushed. */
  get unflushedTransactions(): number {
    return this.unflushed.length
  }

  /** Flushes what is written so far. */
  flush(): void {
    for (const transaction of this.unflushed.splice(0)) transaction.resolve()
  }

  /** Makes the next transaction fail with nothing written, as a full disk does. */
  failNextWrite(failure: Error): void {
    this.failures.push(failure)
  }

  /** What is left after the power went: the flushed transactions alone. */
  afterPowerLoss(): PowerLossStorage {
    const lost = new Set(this.unflushed.flatMap((transaction) => transaction.appends))
    return new PowerLossStorage(this.appends.filter((append) => !lost.has(append)))
  }

  write(appends: readonly StoredAppend[]): WriteProgress {
    const failure = this.failures.shift()
    if (failure !== undefined) {
      const failed = Promise.reject(failure)
      return { committed: failed, flushed: failed }
    }
    // The record's buffer belongs to the server, which may go on using it.
    const copies = appends.map((append) => ({ ...append, record: Buffer.from(append.record) }))
    this.appends.push(...copies)
    const flushed = new Promise<void>((resolve) => this.unflushed.push({ appends: copies, resolve }))
    return { committed: Promise.resolve(), flushed }
  }

  recordAt(position: number): Buffer | undefined {
    return this.appends.find((append) => append.position === position)?.record
  }

  positionAtOrBefore(position: number): number | undefined {
    return this.appends.findLast((append) => append.position <= position)?.position
  }

  positionAtOrAfter(position: number): number | undefined {
    return this.appends.find((append) => append.position >= position)?.position
  }

  streamNumber(stream: string): number | undefined {
    return this.appends.find((append) => append.newStream === stream)?.streamNumber
  }

  lastStreamNumber(): number {
    return this.appends.reduce((largest, append) => Math.max(largest, append.streamNumber), 0)
  }

  appendAtOrBefore(streamNumber: number, revision: number): StoredAppend | undefined {
    return this.appends.findLast((append) => append.streamNumber === streamNumber && append.firstRevision <= revision)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
