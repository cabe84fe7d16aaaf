import { RiskError, type Logger, type Metrics } from '@riskledger/contracts'
import type { JournalOutcome } from './journal-reader'
import type { Receipt } from './receipt'
import type { Outcome, RecentVerdicts } from './recent-verdicts'

/** How waiting for an event's verdict ends. */
export type Settled =
  | { readonly kind: 'decided'; readonly outcome: Outcome }
  /** Its id stands in the journal with other bytes; null where the journal does not say as which sequence. */
  | { readonly kind: 'conflicting'; readonly firstSequence: number | null; readonly partition: number }
  | { readonly kind: 'failed'; readonly error: unknown }

/** An event whose verdict is awaited. */
export interface Awaited {
  readonly key: string
  readonly digest: Uint8Array
  /** Where it lies in the log; null before the log has said so. */
  receipt: Receipt | null
  readonly listeners: Set<(settled: Settled) => void>
}

/** What a desk needs. */
export interface DecisionDeskOptions {
  readonly recent: RecentVerdicts
  /** The first input of a sequence, for a duplicate. */
  readonly firstOf: (partition: number, sequence: number) => Promise<JournalOutcome | null>
  /** Callers that wait at once, and events that nobody waits for any more; each. */
  readonly maxWaiting: number
  readonly logger: Logger
  readonly metrics: Metrics
}

/**
 * Brings callers and verdicts together. An event is awaited from before it is published until the journal has it, also when its caller has gone, so
 * that a retry finds it under way instead of publishing it again. The journal's word counts: the bytes must be the same, not only the id.
 */
export class DecisionDesk {
  private readonly awaited = new Map<string, Awaited>()
  /** Published events without a caller, oldest first. */
  private readonly left = new Map<string, Awaited>()
  private callers = 0

  constructor(private readonly options: DecisionDeskOptions) {}

  /** The event with this id that is awaited now, if any. */
  find(key: string): Awaited | undefined {
    return this.awaited.get(key)
  }

  /** Begins to await an event that is about to be published. */
  open(key: string, digest: Uint8Array): Awaited {
    const awaited: Awaited = { key, digest, receipt: null, listeners: new Set() }
    this.awaited.set(key, awaited)
    return awaited
  }

  /** True where no more callers may wait. */
  get full(): boolean {
    return this.callers >= this.options.maxWaiting
  }

  /** Waits until the event is settled or the time is up, which resolves to null. */
  wait(awaited: Awaited, timeoutMs: number): Promise<Settled | null> {
    this.callers++
    this.left.delete(awaited.key)
    return new Promise((resolve) => {
      const end = (settled: Settled | null): void => {
        clearTimeout(timer)
        this.callers--
        awaited.listeners.delete(end)
        if (settled === null) this.leave(awaited)
        resolve(settled)
      }
      const timer = setTimeout(() => end(null), Math.max(0, timeoutMs))
      awaited.listeners.add(end)
    })
  }

  /** The log did not take the event: whoever waits hears so, and it may be published again. */
  refuse(awaited: Awaited, error: unknown): void {
    this.settle(awaited, { kind: 'failed', error })
  }

  /** Hears of every event that the journal tells. */
  hear(found: JournalOutcome): void {
    const { key, digest, outcome } = found
    const repeats = outcome.status === 'duplicate' || outcome.status === 'conflicting'
    if (!repeats) this.options.recent.put(key, { outcome, digest })
    const awaited = this.awaited.get(key)
    // Other bytes under the same id are somebody else's event: what became of it says nothing of this one.
    if (awaited === undefined || Buffer.compare(awaited.digest, digest) !== 0) return
    if (outcome.status === 'conflicting')
      this.settle(awaited, { kind: 'conflicting', firstSequence: found.firstSequence, partition: outcome.partition })
    else if (outcome.status === 'duplicate') void this.settleDuplicate(awaited, found)
    // A copy that strayed onto another partition may be refused while this one is not.
    else if (outcome.status !== 'quarantined' || isPlace(awaited.receipt, found)) this.settle(awaited, { kind: 'decided', outcome })
  }

  /** A duplicate has the verdict of the first of its id. */
  private async settleDuplicate(awaited: Awaited, { key, outcome, firstSequence }: JournalOutcome): Promise<void> {
    const { recent, firstOf, logger, metrics } = this.options
    const known = recent.get(key)
    if (known !== undefined && known.outcome.status !== 'quarantined') {
      this.settle(awaited, { kind: 'decided', outcome: known.outcome })
      return
    }
    try {
      const first = firstSequence === null ? null : await firstOf(outcome.partition, firstSequence)
      if (first === null) throw new RiskError('not-found', `the journal has no input ${firstSequence}`, { retriable: false })
      recent.put(key, { outcome: first.outcome, digest: first.digest })
      this.settle(awaited, { kind: 'decided', outcome: first.outcome })
    } catch (error) {
      // Whoever waits gets the fallback at its deadline, as with any verdict that does not come.
      metrics.count('riskledger_gateway_look_up_failures_total', 1)
      logger.warn('the first verdict of a repeated event was not found', { partition: outcome.partition, firstSequence, error })
      this.awaited.delete(key)
      this.left.delete(key)
    }
  }

  private settle(awaited: Awaited, settled: Settled): void {
    if (this.awaited.get(awaited.key) === awaited) this.awaited.delete(awaited.key)
    this.left.delete(awaited.key)
    for (const listener of [...awaited.listeners]) listener(settled)
  }

  private leave(awaited: Awaited): void {
    if (awaited.listeners.size > 0 || this.awaited.get(awaited.key) !== awaited) return
    this.left.set(awaited.key, awaited)
    if (this.left.size <= this.options.maxWaiting) return
    // A retry of what is forgotten here is published again, and the journal calls it a duplicate.
    const [oldest] = this.left.keys()
    this.left.delete(oldest)
    this.awaited.delete(oldest)
  }
}

function isPlace(receipt: Receipt | null, { offset, outcome }: JournalOutcome): boolean {
  return receipt === null || (receipt.offset === offset && receipt.partition === outcome.partition && receipt.topic === outcome.topic)
}
