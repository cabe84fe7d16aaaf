import type { Metrics } from '@riskledger/contracts'
import type { ScreeningStep } from '@riskledger/screening'

/** Tells the metrics what a partition's worker does. Inputs are counted as their batch is durable; one that is screened meanwhile may be counted with it. */
export class ScreeningMetrics {
  private readonly partition: string
  private statuses: Readonly<Record<string, number>>
  private verdicts: Readonly<Record<string, number>>

  constructor(
    private readonly step: ScreeningStep,
    private readonly options: { readonly metrics: Metrics; readonly partition: number },
  ) {
    this.partition = String(options.partition)
    this.statuses = { ...step.statusCounts }
    this.verdicts = { ...step.verdictCounts }
  }

  /** A batch is in the ledger, so long after it was sent. */
  appended(seconds: number): void {
    const { step, partition } = this
    const { metrics } = this.options
    metrics.duration('riskledger_append_seconds', seconds, { partition })
    for (const [status, count] of Object.entries(step.statusCounts)) {
      if (count > this.statuses[status]) metrics.count('riskledger_inputs_total', count - this.statuses[status], { partition, status })
    }
    for (const [verdict, count] of Object.entries(step.verdictCounts)) {
      if (count > this.verdicts[verdict]) metrics.count('riskledger_verdicts_total', count - this.verdicts[verdict], { partition, verdict })
    }
    this.statuses = { ...step.statusCounts }
    this.verdicts = { ...step.verdictCounts }
  }
}
