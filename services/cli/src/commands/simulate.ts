import { createGzip } from 'node:zlib'
import type { Command } from 'commander'
import { RiskError } from '@riskledger/contracts'
import { formatScenarioItem, generateScenario, type ScenarioLabel, type ScenarioOptions } from '@riskledger/simulation'
import { EXIT } from '../exit-codes'
import { refuseExisting, writeFileFromChunks } from '../house/write-output'
import { grouped } from '../text/numbers'
import { ProgressBar } from '../text/progress-bar'
import { contextOf, type CommandContext, type Finish } from './command-context'

/** Text is handed to the file in pieces of about this many characters. */
const CHUNK_CHARACTERS = 256 * 1024

interface SimulateFlags {
  readonly seed?: string
  readonly accounts?: string
  readonly days?: string
  readonly out: string
  readonly force?: boolean
}

/** `riskledger simulate`: the scenario of the demo as a file, so that anyone can make data. */
export function addSimulate(program: Command, finish: Finish): void {
  program
    .command('simulate')
    .description('write generated events as NDJSON, with what is planted in them beside it as <out>.labels.json')
    .option('--seed <n>', 'the same seed gives the same file, byte for byte (default 7)')
    .option('--accounts <n>', 'accounts, 60 to 1,000,000 (default 500)')
    .option('--days <n>', 'days of habit before the one day of trouble, 10 to 3,650 (default 30)')
    .requiredOption('--out <file>', 'file to write; packed where its name ends in .gz')
    .option('--force', 'write over files that are there')
    .action(async (flags: SimulateFlags, command: Command) => {
      await simulate(flags, contextOf(command))
      finish(EXIT.done)
    })
}

async function simulate(flags: SimulateFlags, context: CommandContext): Promise<void> {
  const options: ScenarioOptions = {
    ...numberOf('seed', flags.seed),
    ...numberOf('accounts', flags.accounts),
    ...numberOf('days', flags.days),
  }
  const labelsFile = `${flags.out}.labels.json`
  for (const file of [flags.out, labelsFile]) refuseExisting(file, { force: flags.force === true })
  const made = { events: 0, rawLines: 0, labels: [] as ScenarioLabel[], byTopic: {} as Record<string, number> }
  const bar = new ProgressBar('lines')
  const lines = linesOf(options, { made, onLines: (count) => bar.update(count, 0) })
  await writeFileFromChunks(flags.out, flags.out.endsWith('.gz') ? packed(lines) : lines)
  const labels = made.labels.map((label) => JSON.stringify(label)).join(',\n')
  await writeFileFromChunks(labelsFile, [`[\n${labels}\n]\n`])
  bar.clear()
  const stories = new Map(made.labels.map((label) => [label.id, label]))
  const cases = [...stories.values()].filter((label) => label.kind === 'case').length
  const result = {
    file: flags.out,
    labelsFile,
    lines: made.events + made.rawLines,
    events: made.events,
    rawLines: made.rawLines,
    byTopic: made.byTopic,
    cases,
    oddities: stories.size - cases,
    labels: made.labels.length,
  }
  if (context.json) return context.printJson(result)
  context.print(
    `made        ${grouped(result.lines)} lines in ${flags.out}: ${Object.entries(made.byTopic)
      .map(([topic, count]) => `${topic} ${grouped(count)}`)
      .join(' · ')} · malformed ${grouped(made.rawLines)}`,
  )
  context.print(`planted     ${grouped(cases)} cases and ${grouped(result.oddities)} honest oddities, listed in ${labelsFile}`)
  context.print(`\nNext:  npx riskledger screen ${flags.out}`)
}

interface LineOptions {
  readonly made: { events: number; rawLines: number; readonly labels: ScenarioLabel[]; readonly byTopic: Record<string, number> }
  readonly onLines: (count: number) => void
}

function* linesOf(options: ScenarioOptions, { made, onLines }: LineOptions): Generator<string, void, undefined> {
  let text = ''
  for (const item of scenario(options)) {
    if (item.kind === 'raw') made.rawLines++
    else {
      made.events++
      made.byTopic[item.topic] = (made.byTopic[item.topic] ?? 0) + 1
      if (item.label !== undefined) made.labels.push(item.label)
    }
    text += `${formatScenarioItem(item)}\n`
    if (text.length < CHUNK_CHARACTERS) continue
    onLines(made.events + made.rawLines)
    yield text
    text = ''
  }
  if (text !== '') yield text
}

/** The generator refuses options outside of their limits when it is first asked; that is the user's to mend. */
function* scenario(options: ScenarioOptions): ReturnType<typeof generateScenario> {
  try {
    yield* generateScenario(options)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new RiskError('configuration-invalid', `--${error.message}.`, { retriable: false, cause: error })
  }
}

async function* packed(chunks: Iterable<string>): AsyncGenerator<Uint8Array, void, undefined> {
  const gzip = createGzip()
  const feeding = (async () => {
    try {
      for (const chunk of chunks) if (!gzip.write(chunk)) await new Promise<void>((drained) => gzip.once('drain', drained))
      gzip.end()
    } catch (error) {
      gzip.destroy(error as Error)
    }
  })()
  yield* gzip as AsyncIterable<Uint8Array>
  await feeding
}

function numberOf(name: 'seed' | 'accounts' | 'days', text: string | undefined): Record<string, number> {
  if (text === undefined) return {}
  if (!/^\d{1,10}$/.test(text))
    throw new RiskError('configuration-invalid', `--${name} is ${text}; it is a whole number of at most ten digits.`, { retriable: false })
  return { [name]: Number(text) }
}
