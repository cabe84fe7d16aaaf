import type { RecordedDecision } from '@riskledger/screening'
import type { InputCounts } from '@riskledger/screener'
import { judgeScenario, type JudgedStory, type ScenarioJudgement, type ScenarioLabel } from '@riskledger/simulation'
import type { LedgerFigures } from './ledger-figures'
import { bytesText, grouped, percentText } from '../text/numbers'

/** What a demo came to: one object with `--json`. */
export interface DemoResult {
  readonly inputs: number
  readonly screened: number
  readonly observed: number
  readonly late: number
  readonly duplicate: number
  readonly conflicting: number
  readonly quarantined: number
  readonly verdicts: InputCounts['verdicts']
  readonly cases: readonly DemoStory[]
  readonly casesCaught: number
  readonly casesMissed: number
  /** Honest accounts that behaved oddly on the day of trouble, and how many of them were held or blocked. */
  readonly oddities: number
  readonly odditiesHeld: number
  /** Events outside of every case that were held or blocked; parts per million of the screened events outside of cases. */
  readonly falseAlarms: number
  readonly falseAlarmsPpm: number
  readonly seconds: number
  readonly inputsPerSecond: number
  /** From the start of the process to the first decision other than `allow`, those of the days of habit included. */
  readonly secondsToFirstDecision: number | null
  readonly ledgerEntries: number
  readonly ledgerBytes: number
  readonly bytesPerInput: number
  readonly headHash: string
  readonly journalDigest: string
  readonly connectionString: string
  readonly dataDir: string
}

/** A planted case with the decision that settles it. */
interface DemoStory {
  readonly id: string
  readonly name: JudgedStory['name']
  readonly accountId: string
  readonly caught: boolean
  readonly verdict: JudgedStory['verdict']
  /** The strictest decision on one of its signs; null where all were allowed. */
  readonly decisionId: string | null
}

/** What a result is made from. */
export interface DemoOutcome {
  readonly counts: InputCounts
  readonly labels: readonly ScenarioLabel[]
  readonly decisions: readonly RecordedDecision[]
  readonly inputs: number
  readonly seconds: number
  readonly secondsToFirstDecision: number | null
  readonly ledger: LedgerFigures
  readonly connectionString: string
  readonly dataDir: string
}

/** Judges what was decided against what was planted. */
export function demoResult(outcome: DemoOutcome): DemoResult {
  const { counts, labels, decisions, inputs, seconds, ledger } = outcome
  const judgement = judgeScenario(labels, decisions, { screened: counts.statuses.screened })
  return {
    inputs,
    ...counts.statuses,
    verdicts: counts.verdicts,
    cases: storiesOf(judgement, labels, decisions),
    casesCaught: judgement.casesCaught,
    casesMissed: judgement.casesMissed,
    oddities: judgement.oddities.length,
    odditiesHeld: judgement.odditiesHeld,
    falseAlarms: judgement.falseAlarms,
    falseAlarmsPpm: judgement.falseAlarmsPpm,
    seconds: Math.round(seconds * 1000) / 1000,
    inputsPerSecond: Math.round(inputs / Math.max(seconds, 0.001)),
    secondsToFirstDecision: outcome.secondsToFirstDecision,
    ledgerEntries: ledger.entries,
    ledgerBytes: ledger.storedBytes,
    bytesPerInput: Math.round((10 * ledger.storedBytes) / Math.max(1, inputs)) / 10,
    headHash: ledger.headHash,
    journalDigest: ledger.journalDigest,
    connectionString: outcome.connectionString,
    dataDir: outcome.dataDir,
  }
}

/** The summary as a person reads it, without the next steps. */
export function summaryLines(result: DemoResult): readonly string[] {
  const { verdicts } = result
  const statuses = (['screened', 'observed', 'late', 'duplicate', 'conflicting', 'quarantined'] as const)
    .filter((status) => result[status] > 0)
    .map((status) => `${status} ${grouped(result[status])}`)
  const missed = result.cases.filter((story) => !story.caught).map((story) => story.id)
  const share = percentText(verdicts.hold, result.inputs)
  const caught = `${result.casesCaught} of ${result.cases.length} cases caught${missed.length === 0 ? '' : ` (missed: ${missed.join(', ')})`}`
  const alarms = `${grouped(result.falseAlarms)} other events held or blocked (${percentText(result.falseAlarmsPpm, 1_000_000)} false alarms)`
  return [
    `  inputs      ${grouped(result.inputs)}   ${statuses.join(' · ')}`,
    `  verdicts    allow ${grouped(verdicts.allow)} · challenge ${grouped(verdicts.challenge)} · hold ${grouped(verdicts.hold)} · block ${grouped(verdicts.block)}        ${share} to a person`,
    `  planted     ${caught} · ${result.odditiesHeld} of ${result.oddities} honest oddities held · ${alarms}`,
    `  ledger      ${grouped(result.ledgerEntries)} entries, ${bytesText(result.ledgerBytes)}, ${Math.round(result.bytesPerInput)} bytes an input, head ${result.headHash.slice(0, 12)}…`,
    `  speed       ${grouped(result.inputsPerSecond)} inputs/s, all parts together`,
  ]
}

/** What to try next, with the ids of this run. */
export function nextLines(result: DemoResult, options: { readonly why: string | null; readonly shownDir: string }): readonly string[] {
  const command = `npx riskledger --data-dir ${options.shownDir}`
  const decisionId = result.cases.find((story) => story.decisionId !== null)?.decisionId
  const steps: (readonly [string, string])[] = [
    [`${command} replay`, 'decide everything again and compare'],
    [`${command} verify`, 'has anything been altered?'],
    [`${command} quarantine list`, 'what was refused, and why?'],
  ]
  if (decisionId !== undefined && decisionId !== null)
    steps.unshift([`${command} explain ${decisionId}`, options.why ?? 'why was it decided so?'])
  const width = Math.max(...steps.map(([text]) => text.length))
  return steps.map(([text, meaning], index) => `  ${index === 0 ? 'Next:' : '     '}  ${text.padEnd(width)}   ${meaning}`)
}

function storiesOf(judgement: ScenarioJudgement, labels: readonly ScenarioLabel[], decisions: readonly RecordedDecision[]): DemoStory[] {
  const signs = new Map<string, string>()
  for (const label of labels) if (label.kind === 'case' && label.role === 'sign') signs.set(label.eventId, label.id)
  const strictest = new Map<string, RecordedDecision>()
  for (const decision of decisions) {
    const id = signs.get(decision.eventId)
    if (id === undefined) continue
    const known = strictest.get(id)
    if (known === undefined || decision.scorePoints > known.scorePoints) strictest.set(id, decision)
  }
  const order = [...new Set(signs.values())]
  return [...judgement.cases]
    .sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id))
    .map(({ id, name, accountId, hit, verdict }) => ({
      id,
      name,
      accountId,
      caught: hit,
      verdict,
      decisionId: strictest.get(id)?.decisionId ?? null,
    }))
}
