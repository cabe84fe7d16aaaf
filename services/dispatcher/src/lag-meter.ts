import type { Ledger, Metrics } from '@riskledger/contracts'
import { lastEntry } from './begin-position'

/** The journal's end is looked up at most this often. */
const LOOK_EVERY_MS = 1_000

/** Tells how far a journal is published and how many of its entries are not, also while the publisher does not answer. */
export class LagMeter {
  private revision = -1
  private lastRevision = -1
  private lookedAtMs = -Infinity
  private readonly labels: { readonly partition: string }

  constructor(
    private readonly ports: { readonly ledger: Ledger; readonly metrics: Metrics; readonly nowMs: () => number },
    private readonly at: { readonly stream: string; readonly partition: number },
  ) {
    this.labels = { partition: String(at.partition) }
  }

  /** Looks up the journal's end, at most once a second. */
  async look(): Promise<void> {
    const nowMs = this.ports.nowMs()
    if (nowMs - this.lookedAtMs < LOOK_EVERY_MS) return
    this.lookedAtMs = nowMs
    this.lastRevision = (await lastEntry(this.ports.ledger, this.at.stream))?.revision ?? -1
    this.tell()
  }

  /** Everything up to this revision is published or holds nothing to publish. */
  passed(revision: number): void {
    this.revision = Math.max(this.revision, revision)
    this.tell()
  }

  private tell(): void {
    const { metrics } = this.ports
    metrics.gauge('riskledger_dispatcher_revision', this.revision, this.labels)
    metrics.gauge('riskledger_dispatcher_lag_entries', Math.max(0, this.lastRevision - this.revision), this.labels)
  }
}
