import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { type Command } from 'commander'
import { RiskError } from '@riskledger/contracts'
import { checkedNames, parseMapping, type Mapping } from '@riskledger/files'
import { emptyHead } from '@riskledger/journal'
import { stopOnSignals } from '@riskledger/runtime'
import { entriesAhead, isWorthAThread } from '@riskledger/screener'
import { EXIT } from '../exit-codes'
import { bundleEngine } from '../house/engine'
import { folderBytes } from '../house/folder-bytes'
import { openHouse, type House } from '../house/open-house'
import { readJournals } from '../house/read-journals'
import { loadScreeningParts, startScreeningRun, type ScreeningParts, type ScreeningRun } from '../house/screening-run'
import { bytesText, grouped, percentText } from '../text/numbers'
import { ProgressBar } from '../text/progress-bar'
import { contextOf, houseOf, type CommandContext, type Finish } from './command-context'
import { DEFAULT_POLICY_FILE, loadPolicyFile, readText } from './load-policy'
import { spoolStdin, type SpooledFiles } from './spool-stdin'

const COMMAND = 'riskledger screen'
/** Refused lines that are told one by one; the rest are counted. */
const MAX_TOLD = 20

interface ScreenFlags {
  readonly mapping?: string
  readonly strict?: boolean
  readonly policy?: string
}

/** `riskledger screen <file...>`: files through log, screener and ledger. */
export function addScreen(program: Command, finish: Finish): void {
  program
    .command('screen')
    .description('screen files of events: NDJSON, or CSV with a mapping, plain or .gz; run again, it goes on where it stopped')
    .argument('<file...>', 'files, or - for standard input')
    .option('--mapping <file>', 'YAML file that turns columns of CSV into events')
    .option('--strict', 'stop at the first line from which no event can be made, or one dated over 5 minutes past its arrival')
    .option('--policy <file>', 'policy to put into force (default for a new folder: the one that ships)')
    .option('--partitions <n>', 'partitions of a new data folder (default 1)')
    .action(async (files: string[], flags: ScreenFlags, command: Command) => {
      finish(await screenNamed(files, { flags, context: contextOf(command) }))
    })
}

interface ScreenOptions {
  readonly flags: ScreenFlags
  readonly context: CommandContext
}

/** What is screened with, and where. */
interface Screening {
  readonly dataDir: string
  readonly mapping: CheckedMapping | null
  readonly parts: ScreeningParts
}

async function screenNamed(files: readonly string[], options: ScreenOptions): Promise<number> {
  // Before anything is made: a folder for files that cannot be read would stay.
  const mapping = options.flags.mapping === undefined ? null : await checkedMapping(options.flags.mapping)
  for (const file of checkedNames({ files, ...(mapping === null ? {} : { mapping: mapping.mapping }) })) {
    if (file === '-') continue
    const found = statSync(file, { throwIfNoEntry: false })
    const details = { retriable: false, context: { file } }
    if (found === undefined) throw new RiskError('file-not-found', `${file}: there is no such file. Check its name.`, details)
    if (found.isDirectory()) throw new RiskError('file-unreadable', `${file} is a folder; name the files in it.`, details)
  }
  const spooled = await spoolStdin(files)
  const { context } = options
  const dataDir = context.dataDirGiven ? context.settings.dataDir : folderOf(files)
  try {
    const parts = loadScreeningParts(houseOf(context, COMMAND))
    try {
      return await screen(spooled, { ...options, mapping, parts, dataDir })
    } finally {
      await parts.end()
    }
  } finally {
    await spooled.release()
  }
}

async function screen(
  { files, named }: SpooledFiles,
  { flags, context, dataDir, mapping, parts }: ScreenOptions & Screening,
): Promise<number> {
  const policy = flags.policy === undefined ? null : await loadPolicyFile(flags.policy)
  // Needed also where the folder exists: a run that was killed early leaves journals without a policy.
  const firstPolicy = policy ?? (await loadPolicyFile(DEFAULT_POLICY_FILE))
  const { logLevel } = context.settings
  const engine = await bundleEngine()
  const { crashAt, pace, challengeSecret, environment } = context
  const house = await openHouse({ ...houseOf(context, COMMAND), dataDir, ledgerThread: parts.ledger })
  try {
    const bar = new ProgressBar('inputs')
    let told = 0
    const startedMs = Date.now()
    const run = await startScreeningRun({
      parts,
      house,
      engine,
      policy,
      firstPolicy,
      pace,
      mapping: mapping === null ? null : mapping.text,
      files,
      challengeSecret,
      environment,
      logLevel,
      crashAt,
      strict: flags.strict === true,
      tells: 'progress',
      onRejected: (message) => {
        bar.clear()
        if (told++ < MAX_TOLD) process.stderr.write(`${named(message)}\n`)
      },
      onProgress: ({ inputs, emissions, bytesRead, bytesTotal }) =>
        bar.update(inputs, bytesRead === 0 ? 0 : Math.round((emissions * bytesTotal) / bytesRead)),
    })
    return await finishScreen({ run, house, context, bar, startedMs, told: () => told })
  } finally {
    await house.close()
  }
}

interface Finishing {
  readonly run: ScreeningRun
  readonly house: House
  readonly context: CommandContext
  readonly bar: ProgressBar
  readonly startedMs: number
  readonly told: () => number
}

async function finishScreen({ run, house, context, bar, startedMs, told }: Finishing): Promise<number> {
  const signals = stopOnSignals()
  const interrupted = new Promise<'interrupted'>((done) => signals.signal.addEventListener('abort', () => done('interrupted')))
  try {
    const ended = await Promise.race([run.drained, interrupted])
    const seconds = (Date.now() - startedMs) / 1000
    bar.clear()
    if (ended === 'interrupted') {
      if (context.json)
        throw new RiskError('cancelled', 'Stopped. Run the same command again to go on where it stopped.', { retriable: true })
      process.stderr.write('Stopping. Run the same command again to go on where it stopped.\n')
      return EXIT.interrupted
    }
    if (told() > MAX_TOLD) process.stderr.write(`… and ${grouped(told() - MAX_TOLD)} more lines that were refused\n`)
    await tellResult({ run, house, context, seconds })
    return EXIT.done
  } finally {
    signals.dispose()
    bar.clear()
    await run.stop()
  }
}

async function tellResult({
  run,
  house,
  context,
  seconds,
}: {
  readonly run: ScreeningRun
  readonly house: House
  readonly context: CommandContext
  readonly seconds: number
}): Promise<void> {
  const { statuses, verdicts } = run.counts()
  const { connectionString } = house
  const { readings, digest } = await readJournals(house.ledger, {
    partitions: house.folder.partitions,
    environment: context.environment,
    entriesOf: isWorthAThread({ inputs: run.inputs() })
      ? (stream) => entriesAhead({ connectionString, after: emptyHead(stream), until: null })
      : undefined,
  })
  const sum = (of: (reading: (typeof readings)[number]) => number): number => readings.reduce((total, reading) => total + of(reading), 0)
  const inputs = sum((reading) => reading.inputs)
  const taken = inputs - run.inputsBefore
  const result = {
    inputs,
    ...statuses,
    verdicts,
    seconds: Math.round(seconds * 1000) / 1000,
    inputsPerSecond: Math.round(taken / seconds),
    ledgerBytes: sum((reading) => reading.storedBytes),
    journalDigest: digest,
    bytesPerInput: Math.round((10 * sum((reading) => reading.inputEntryBytes)) / Math.max(1, inputs)) / 10,
    folderBytes: await folderBytes(house.dataDir),
    takenNow: taken,
    dataDir: house.dataDir,
  }
  if (context.json) return context.printJson(result)
  context.print(
    `inputs      ${grouped(inputs)}   screened ${grouped(statuses.screened)} · observed ${grouped(statuses.observed)} · late ${grouped(statuses.late)} · duplicate ${grouped(statuses.duplicate)} · conflicting ${grouped(statuses.conflicting)} · quarantined ${grouped(statuses.quarantined)}`,
  )
  context.print(
    `verdicts    allow ${grouped(verdicts.allow)} · challenge ${grouped(verdicts.challenge)} · hold ${grouped(verdicts.hold)} · block ${grouped(verdicts.block)}        ${percentText(verdicts.hold, inputs)} to a person`,
  )
  context.print(`time        ${seconds.toFixed(1)} s, ${grouped(taken)} taken now, ${grouped(taken / seconds)} inputs/s`)
  context.print(
    `ledger      ${grouped(sum((reading) => reading.entries))} entries, ${bytesText(result.ledgerBytes)}, ${result.bytesPerInput} bytes an input without decisions`,
  )
  context.print(`digest      ${digest}`)
  const command = `npx riskledger --data-dir ${house.dataDir}`
  context.print(`\nNext:  ${command} replay    decide everything again and compare`)
  if (statuses.quarantined > 0) context.print(`       ${command} quarantine list    what was refused, and why?`)
}

interface CheckedMapping {
  readonly text: string
  readonly mapping: Mapping
}

async function checkedMapping(file: string): Promise<CheckedMapping> {
  const text = await readText(file, 'mapping')
  const result = parseMapping(text)
  if (result.kind === 'accepted') return { text, mapping: result.mapping }
  throw new RiskError(
    'mapping-invalid',
    result.problems
      .map((problem) => `${file}:${problem.line}:${problem.column}: ${problem.path === '' ? '' : `${problem.path} `}${problem.message}`)
      .join('\n'),
    {
      retriable: false,
      context: { file },
    },
  )
}

/** A folder of its own for each set of named files. */
function folderOf(files: readonly string[]): string {
  const name = files[0] === '-' ? 'stdin' : basename(files[0]).replace(/[^A-Za-z0-9.-]/g, '-')
  const hash = createHash('sha256')
    .update(files.map((file) => resolve(file)).join('\n'))
    .digest('hex')
  return join('.riskledger', `${name}-${hash.slice(0, 8)}`)
}
