import { withoutUserInfo } from '@riskledger/runtime'
import type { RecordedDecision } from '@riskledger/screening'
import type { CommandContext } from '../commands/command-context'
import type { ScreeningRun } from '../house/screening-run'
import type { House } from '../house/open-house'
import { decisionLine } from '../text/decision-line'
import { grouped } from '../text/numbers'
import type { ProgressBar } from '../text/progress-bar'
import type { DemoScenario } from './demo-scenario'
import { demoResult, nextLines, summaryLines, type DemoResult } from './demo-summary'
import { ledgerFigures } from './ledger-figures'

/** Where the show is seen. */
export interface DemoScreen {
  /** With `json`, nothing but the result is printed, as one object. */
  readonly output: Pick<CommandContext, 'json' | 'print' | 'printJson'>
  readonly bar: ProgressBar
}

/** Shows a scenario being screened: the day of trouble decision by decision, the days of habit as a count, then the summary. */
export class DemoShow {
  private readonly decisions: RecordedDecision[] = []
  private readonly startedMs = Date.now()
  private habitDecisions = 0
  private announced = false
  private secondsToFirstDecision: number | null = null

  constructor(
    private readonly scenario: DemoScenario,
    private readonly screen: DemoScreen,
  ) {}

  /** Takes decisions as they are made. */
  onDecisions(decisions: readonly RecordedDecision[]): void {
    for (const decision of decisions) {
      this.decisions.push(decision)
      // Measured from the start of the process: what a person waits for.
      this.secondsToFirstDecision ??= Math.round(performance.now()) / 1000
      if (decision.eventTimeMs < this.scenario.troubleMs) this.habitDecisions++
      else this.show(decision)
    }
  }

  onProgress(inputs: number): void {
    this.screen.bar.update(inputs, this.scenario.items)
  }

  /** The end of it: judges, sums up, and says what to try next. */
  async finish({
    run,
    house,
    environment,
    shownDir,
  }: {
    readonly run: ScreeningRun
    readonly house: House
    readonly environment: string
    readonly shownDir: string
  }): Promise<DemoResult> {
    const { screen, scenario } = this
    const seconds = (Date.now() - this.startedMs) / 1000
    screen.bar.clear()
    const result = demoResult({
      counts: run.counts(),
      labels: scenario.labels,
      decisions: this.decisions,
      inputs: run.inputs(),
      seconds,
      secondsToFirstDecision: this.secondsToFirstDecision,
      ledger: await ledgerFigures(house.ledger, { partitions: house.folder.partitions, environment }),
      connectionString: withoutUserInfo(house.connectionString),
      dataDir: house.dataDir,
    })
    if (screen.output.json) screen.output.printJson(result)
    else
      for (const line of ['', ...summaryLines(result), '', ...nextLines(result, { why: this.whyAsked(result), shownDir })])
        screen.output.print(line)
    return result
  }

  private show(decision: RecordedDecision): void {
    if (this.screen.output.json) return
    this.screen.bar.clear()
    if (!this.announced) {
      this.announced = true
      const { days } = this.scenario.plan
      this.screen.output.print(
        `Days 1 to ${grouped(days)}, of habit: ${grouped(this.habitDecisions)} challenged or held on the way, not shown. The day of trouble, in each account's local time:\n`,
      )
    }
    this.screen.output.print(decisionLine(decision, this.scenario.troubleEvents.get(decision.eventId) ?? null))
  }

  /** The question that `explain` answers, about the first case that was caught. */
  private whyAsked({ cases }: DemoResult): string | null {
    const story = cases.find((one) => one.decisionId !== null)
    return story === undefined ? null : `why? ${story.id.replace(/-\d+$/, '').replace(/-/g, ' ')}, account ${story.accountId}`
  }
}
