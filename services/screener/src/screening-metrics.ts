import type { Metrics } from '@riskledger/contracts'
import type { ScreeningStep } from '@riskledger/screening'
import type { InputCounts } from './screener-protocol'

type Counts = Readonly<Record<string, number>>

/** How many inputs a step has taken, by status and by verdict. */
export type ScreenedCounts = Pick<InputCounts, 'statuses' | 'verdicts'>

/** A copy of a step's counts as they stand. */
export function countsOf({ statusCounts, verdictCounts }: Pick<ScreeningStep, 'statusCounts' | 'verdictCounts'>): ScreenedCounts {
  return { statuses: { ...statusCounts }, verdicts: { ...verdictCounts } }
}

/** Tells the metrics what a partition's worker has put into the ledger. */
export class ScreeningMetrics {
  private readonly partition: string

  /** `told`: the counts at the start, of which nothing is told. */
  constructor(
    private told: ScreenedCounts,
    private readonly options: { readonly metrics: Metrics; readonly partition: number },
  ) {
    this.partition = String(options.partition)
  }

  /** A batch of the journal is in the ledger, `seconds` after it was sent. */
  appended(seconds: number): void {
    this.options.metrics.duration('riskledger_append_seconds', seconds, { partition: this.partition })
  }

  /** Everything is in the ledger up to where the counts stood so. */
  durable(counts: ScreenedCounts): void {
    const { partition, told } = this
    const { metrics } = this.options
    for (const [status, count] of growth(told.statuses, counts.statuses))
      metrics.count('riskledger_inputs_total', count, { partition, status })
    for (const [verdict, count] of growth(told.verdicts, counts.verdicts))
      metrics.count('riskledger_verdicts_total', count, { partition, verdict })
    this.told = counts
  }
}

function growth(before: Counts, now: Counts): readonly (readonly [string, number])[] {
  return Object.entries(now)
    .map(([of, count]) => [of, count - before[of]] as const)
    .filter(([, count]) => count > 0)
}
