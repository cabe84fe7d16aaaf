import { RiskError } from '@riskledger/contracts'

/** Where a publisher keeps how far its numbering has come, so that it goes on there after a restart. */
export interface SequenceStore {
  /** The last number of the source that was acknowledged, or null where there is none. */
  load(source: string): Promise<number | null>
  /** Called with rising numbers, once the log has the event and all before it. */
  save(source: string, sequence: number): Promise<void>
}

/** Keeps the last number in memory: for who need not go on after a restart, and for tests. Begins at `first`, by default 1. */
export function memorySequences(first = 1): SequenceStore {
  const last = new Map<string, number>()
  return {
    load: (source) => Promise.resolve(last.get(source) ?? first - 1),
    save: (source, sequence) => {
      last.set(source, sequence)
      return Promise.resolve()
    },
  }
}

/**
 * Numbers the events of a source without holes, so that a missing one shows. What was numbered and not acknowledged before a crash is numbered again: an
 * auditor sees a number twice, never a hole where nothing is missing. Everything of one source in one process shares one of these.
 */
export class SourceSequence {
  private saved: number
  private settledTo: number
  /** Settled numbers above `settledTo`: one before them is still on its way. */
  private readonly ahead = new Set<number>()
  private saving: Promise<void> = Promise.resolve()

  private constructor(
    readonly source: string,
    private readonly store: SequenceStore,
    private lastNumber: number,
  ) {
    this.saved = lastNumber
    this.settledTo = lastNumber
  }

  /** Goes on where the store says. Throws `configuration-invalid` for a number that is none. */
  static async open(source: string, store: SequenceStore = memorySequences()): Promise<SourceSequence> {
    const last = (await store.load(source)) ?? 0
    if (!Number.isSafeInteger(last) || last < 0)
      throw new RiskError('configuration-invalid', `The last sequence of ${source} is ${last}; it is a whole number from 0.`, {
        retriable: false,
      })
    return new SourceSequence(source, store, last)
  }

  next(): number {
    return ++this.lastNumber
  }

  /** The event of this number is in the log, or was given up for good. Resolves once the store has what may be kept; rejects with what it says. */
  settled(sequence: number): Promise<void> {
    this.ahead.add(sequence)
    const before = this.settledTo
    while (this.ahead.delete(this.settledTo + 1)) this.settledTo++
    if (this.settledTo === before) return Promise.resolve()
    const upTo = this.settledTo
    this.saving = this.saving.catch(() => undefined).then(() => this.save(upTo))
    return this.saving
  }

  /** What came in the meantime goes along, so that a slow store is called once for many events. */
  private async save(upTo: number): Promise<void> {
    if (this.saved >= upTo) return
    const now = this.settledTo
    await this.store.save(this.source, now)
    this.saved = now
  }
}
