import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Verdict } from '@riskledger/contracts'
import { importFiles, parseMapping } from '@riskledger/files'
import { parsePolicy, type Policy } from '@riskledger/policy'
import { measureFold, type FoldFigures, type ScoredPayments } from './detection-protocol'
import { MemoryScreening } from './memory-screening'

const ROOT = join(__dirname, '..', '..')
const DATA = join(ROOT, '..', 'shared', 'data')
const FOLDS = ['2018-06-20', '2018-06-27', '2018-07-04', '2018-07-11']

/** False alarms on one data set; shares of its inputs. */
export interface AlarmFigures {
  readonly file: string
  readonly inputs: number
  readonly verdicts: Readonly<Record<Verdict, number>>
  /** Inputs above `allow` that without the detector's signals, and the combinations that need them, would be `allow`. */
  readonly pushedByVelocity: number
  readonly pushedByLateNight: number
  /** Inputs held or blocked. */
  readonly aboveChallenge: number
  readonly seconds: number
}

/** What `npm run bench -- detection --json` prints: means over the folds, the largest shares over the data sets. */
export interface DetectionFigures {
  readonly averagePrecision: number
  readonly cardPrecisionAt100: number
  readonly aucRoc: number
  readonly folds: readonly FoldFigures[]
  readonly pushedByVelocity: number
  readonly pushedByLateNight: number
  readonly aboveChallenge: number
  readonly dataSets: readonly AlarmFigures[]
  readonly policyHash: string
}

/**
 * How well the default policy's score finds fraud, untrained, and how often it cries out for nothing. Files go through their mapping, the
 * Avro codec, profiles, relations and detectors in memory; what relations learn in one hour is used from the seventh hour after it,
 * as in a screened file. Random challenges do not take part. `input`: a card-payments file; by default both files of `../shared/data`.
 */
export async function run(options: {
  readonly input?: string
  readonly json: boolean
}): Promise<DetectionFigures | { readonly skipped: string }> {
  const cards = options.input ?? join(DATA, 'card-payments.csv.gz')
  const invoices = join(DATA, 'retail-invoices.csv.gz')
  if (!existsSync(cards)) return skip(options.input === undefined ? '../shared/data not present' : `${cards} not present`, options.json)
  const parsed = parsePolicy(readFileSync(join(ROOT, 'policies', 'default.yaml'), 'utf8'))
  if (parsed.kind === 'rejected') throw new Error(`policies/default.yaml:${parsed.problems[0].line}: ${parsed.problems[0].message}`)
  const dataSets: AlarmFigures[] = []
  const card = await screenFile(cards, 'card-payments', parsed.policy)
  dataSets.push(card.alarms)
  if (existsSync(invoices)) dataSets.push((await screenFile(invoices, 'retail-invoices', parsed.policy)).alarms)
  const folds = FOLDS.map((trainFrom) => measureFold(card.scored, trainFrom))
  const mean = (of: (fold: FoldFigures) => number): number => folds.reduce((sum, fold) => sum + of(fold), 0) / folds.length
  const most = (of: (set: AlarmFigures) => number): number => Math.max(...dataSets.map(of))
  const figures: DetectionFigures = {
    averagePrecision: mean((fold) => fold.averagePrecision),
    cardPrecisionAt100: mean((fold) => fold.cardPrecisionAt100),
    aucRoc: mean((fold) => fold.aucRoc),
    folds,
    pushedByVelocity: most((set) => set.pushedByVelocity),
    pushedByLateNight: most((set) => set.pushedByLateNight),
    aboveChallenge: most((set) => set.aboveChallenge),
    dataSets,
    policyHash: parsed.hash,
  }
  if (!options.json) print(figures)
  return figures
}

function skip(why: string, json: boolean): { readonly skipped: string } {
  if (!json) console.log(`skipped: ${why}`)
  return { skipped: why }
}

async function screenFile(
  file: string,
  mappingName: string,
  policy: Policy,
): Promise<{ readonly alarms: AlarmFigures; readonly scored: ScoredPayments }> {
  const text = readFileSync(join(ROOT, 'examples', 'mappings', `${mappingName}.yaml`), 'utf8')
  const mapping = parseMapping(text)
  if (mapping.kind === 'rejected') throw new Error(`examples/mappings/${mappingName}.yaml: ${JSON.stringify(mapping)}`)
  const screening = new MemoryScreening(policy)
  const startedAt = process.hrtime.bigint()
  await importFiles({ files: [file], mapping: mapping.mapping, log: screening.log, startedAtMs: Date.now() })
  const seconds = Number(process.hrtime.bigint() - startedAt) / 1e9
  const { inputs, pushed, verdicts, scored } = screening
  const alarms: AlarmFigures = {
    file: basename(file),
    inputs,
    verdicts,
    pushedByVelocity: pushed.velocity / inputs,
    pushedByLateNight: pushed['late-night-deviation'] / inputs,
    aboveChallenge: (verdicts.hold + verdicts.block) / inputs,
    seconds,
  }
  return { alarms, scored }
}

function print(figures: DetectionFigures): void {
  console.log('test week after training from   AP     CP@100  AUC    payments  frauds')
  for (const fold of figures.folds) {
    const { trainFrom, averagePrecision, cardPrecisionAt100, aucRoc, payments, frauds } = fold
    console.log(
      `${trainFrom}                     ${averagePrecision.toFixed(3)}  ${cardPrecisionAt100.toFixed(3)}   ${aucRoc.toFixed(3)}  ${payments}    ${frauds}`,
    )
  }
  const { averagePrecision, cardPrecisionAt100, aucRoc } = figures
  console.log(`mean                           ${averagePrecision.toFixed(3)}  ${cardPrecisionAt100.toFixed(3)}   ${aucRoc.toFixed(3)}`)
  for (const set of figures.dataSets) {
    const share = (value: number): string => `${(value * 100).toFixed(3)} %`
    const { allow, challenge, hold, block } = set.verdicts
    console.log(
      `${set.file}: ${set.inputs} inputs in ${set.seconds.toFixed(1)} s; allow ${allow}, challenge ${challenge}, hold ${hold}, block ${block}`,
    )
    console.log(
      `  above challenge ${share(set.aboveChallenge)}, pushed by velocity ${share(set.pushedByVelocity)}, by late night ${share(set.pushedByLateNight)}`,
    )
  }
}
