import { RiskError, type Logger } from '@riskledger/contracts'

/** Where a publisher keeps how far its numbering has come, so that it goes on there after a restart. */
export interface SequenceStore {
  /** The last number of the source that was acknowledged, or null where there is none. */
  load(source: string): Promise<number | null>
  /**
   * Called with rising numbers, once the log has the event and all before it. Where it rejects, the event counts all the same, and the number goes along
   * with the next.
   */
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
  /** What the store last failed at: who waits for no more is told the same, so that a failing store is not asked once for every event of a batch. */
  private failed: { readonly upTo: number; readonly error: unknown } | null = null

  private constructor(
    readonly source: string,
    private readonly store: SequenceStore,
    private lastNumber: number,
    private readonly logger: Pick<Logger, 'warn'> | undefined,
  ) {
    this.saved = lastNumber
    this.settledTo = lastNumber
  }

  /** Goes on where the store says. Throws `configuration-invalid` for a number that is none. */
  static async open(
    source: string,
    store: SequenceStore = memorySequences(),
    { logger }: { readonly logger?: Pick<Logger, 'warn'> | undefined } = {},
  ): Promise<SourceSequence> {
    const last = (await store.load(source)) ?? 0
    if (!Number.isSafeInteger(last) || last < 0)
      throw new RiskError('configuration-invalid', `The last sequence of ${source} is ${last}; it is a whole number from 0.`, {
        retriable: false,
      })
    return new SourceSequence(source, store, last, logger)
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
    return this.keep(this.settledTo)
  }

  /** As `settled`, for who has an outcome to hand on, which must not be lost over the numbering: never rejects. The logger has been warned. */
  async settledOrWarned(sequence: number): Promise<void> {
    await this.settled(sequence).catch(() => undefined)
  }

  /**
   * Resolves once the store has the last number that may be kept; what could not be saved is tried again. Rejects with `ledger-unavailable` (retriable) where
   * that fails too.
   */
  async flush(): Promise<void> {
    await this.saving.catch(() => undefined)
    this.failed = null
    try {
      await this.keep(this.settledTo)
    } catch (cause) {
      const { source, saved, settledTo: sequence } = this
      const message =
        `Every event of ${source} is settled, but its sequence ${sequence} could not be saved (${reasonOf(cause)}); the store is at ${saved}. ` +
        'Mend the store and flush again, else the numbers after that are given twice after a restart.'
      throw new RiskError('ledger-unavailable', message, { retriable: true, cause, context: { source, sequence, saved } })
    }
  }

  private keep(upTo: number): Promise<void> {
    this.saving = this.saving.catch(() => undefined).then(() => this.save(upTo))
    return this.saving
  }

  /** What came in the meantime goes along, so that a slow store is called once for many events. */
  private async save(upTo: number): Promise<void> {
    if (this.saved >= upTo) return
    if (this.failed !== null && this.failed.upTo >= upTo) throw this.failed.error
    const now = this.settledTo
    try {
      await this.store.save(this.source, now)
    } catch (error) {
      this.failed = { upTo: now, error }
      this.warn(now, error)
      throw error
    }
    this.saved = now
  }

  private warn(sequence: number, error: unknown): void {
    const { source, saved } = this
    const message = `The sequence of ${source} could not be saved; it is tried again with the next event. After a restart now, numbers are given twice.`
    this.logger?.warn(message, { source, sequence, saved, reason: reasonOf(error) })
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
