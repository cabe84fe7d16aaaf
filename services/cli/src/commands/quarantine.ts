import { InvalidArgumentError, Option, type Command } from 'commander'
import { RAW_TOPICS, RiskError } from '@riskledger/contracts'
import { QUARANTINE_REASONS } from '@riskledger/events'
import { EXIT } from '../exit-codes'
import { openHouse, openHouseToRead, type House } from '../house/open-house'
import { openLogToWrite } from '../house/open-log-to-write'
import { listQuarantined } from '../house/quarantined-inputs'
import { redriveInput, type Repair } from '../house/redrive-input'
import { findRefused, isObject, readLine, type DraftFields, type RefusedInput } from '../house/refused-event'
import { grouped } from '../text/numbers'
import { ProgressBar } from '../text/progress-bar'
import { quarantineLines, refusedLines, shown } from '../text/quarantine-text'
import { contextOf, houseOf, type CommandContext, type Finish } from './command-context'
import { readText } from './load-policy'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 100_000

interface ListFlags {
  readonly reason?: string
  readonly topic?: string
  readonly limit: number
}

interface RedriveFlags {
  readonly set: readonly (readonly [string, unknown])[]
  readonly event?: string
  readonly again?: boolean
}

/** `riskledger quarantine`: look at what was refused, repair it, send it again. */
export function addQuarantine(program: Command, finish: Finish): void {
  const quarantine = program.command('quarantine').description('look at what was refused, repair it, send it again as a new event')
  quarantine
    .command('list')
    .description('list refused inputs, the newest last')
    .addOption(new Option('--reason <reason>', 'only those refused for this').choices([...QUARANTINE_REASONS]))
    .addOption(new Option('--topic <topic>', 'only those of this topic').choices([...RAW_TOPICS]))
    .option('--limit <n>', `at most so many, the newest (default ${DEFAULT_LIMIT})`, limitOf, DEFAULT_LIMIT)
    .action(async (flags: ListFlags, command: Command) => {
      await withHouse(command, 'list', (house, context) => list(house, flags, context))
      finish(EXIT.done)
    })
  quarantine
    .command('show')
    .description('tell everything that is known of a refused input, and what to repair')
    .argument('<input>', 'partition and sequence, as in 2/1041')
    .action(async (place: string, _flags: unknown, command: Command) => {
      await withHouse(command, 'show', (house, context) => show(house, place, context))
      finish(EXIT.done)
    })
  quarantine
    .command('redrive')
    .description('append a refused input, repaired, to the log as a new event that names it')
    .argument('<input>', 'partition and sequence, as in 2/1041')
    .option('--set <field=value>', 'put a value (JSON, else text) into a field; once for each field', addSetting, [])
    .option('--event <file>', 'take the whole event from a JSON file instead: {"topic": ..., "event": {...}}')
    .option('--again', 'send it also where it was sent again before')
    .action(async (place: string, flags: RedriveFlags, command: Command) => {
      await redrive(place, flags, contextOf(command))
      finish(EXIT.done)
    })
}

async function withHouse(command: Command, name: string, action: (house: House, context: CommandContext) => Promise<void>): Promise<void> {
  const context = contextOf(command)
  const house = await openHouseToRead(houseOf(context, `riskledger quarantine ${name}`))
  try {
    await action(house, context)
  } finally {
    await house.close()
  }
}

async function list(house: House, flags: ListFlags, context: CommandContext): Promise<void> {
  const bar = new ProgressBar('inputs')
  const { partitions } = house.folder
  const onInputs = (inputs: number): void => bar.update(inputs, 0)
  const listing = await listQuarantined(house.ledger, { ...flags, partitions, environment: context.environment, onInputs })
  bar.clear()
  if (context.json) return context.printJson(listing)
  const { inputs, quarantined, matching, rows } = listing
  if (rows.length > 0) for (const line of [...quarantineLines(rows), '']) context.print(line)
  const of = matching === quarantined ? '' : `, ${grouped(matching)} of them such`
  const cut = rows.length === matching ? '' : `; the newest ${grouped(rows.length)} are shown (--limit)`
  context.print(`${grouped(quarantined)} of ${grouped(inputs)} inputs were refused${of}${cut}`)
  if (rows.length > 0)
    context.print(`Next:  npx riskledger quarantine show ${rows[rows.length - 1].partition}/${rows[rows.length - 1].sequence}`)
}

async function show(house: House, place: string, context: CommandContext): Promise<void> {
  const refused = await find(house, place, context)
  if (context.json) return context.printJson(jsonOf(refused))
  const { partition, sequence } = refused.found
  for (const line of refusedLines(refused)) context.print(line)
  const how = refused.event === null ? '--event <file>' : '--set <field>=<value>'
  context.print('')
  context.print(`  Next       npx riskledger quarantine redrive ${partition}/${sequence} ${how}`)
}

function find(house: House, place: string, { environment }: CommandContext): Promise<RefusedInput> {
  return findRefused(place, { ledger: house.ledger, dataDir: house.dataDir, partitions: house.folder.partitions, environment })
}

function jsonOf({ found, event, ...refused }: RefusedInput): object {
  const { partition, sequence, topic, input, entry } = found
  const position = { stream: entry.stream, revision: entry.revision, offset: input.offset, brokerTimeMs: input.brokerTimeMs }
  const valueBase64 = input.body === null ? null : Buffer.from(input.body).toString('base64')
  return { partition, sequence, topic, position, ...refused, event: event === null ? null : shown(event), valueBase64 }
}

async function redrive(place: string, flags: RedriveFlags, context: CommandContext): Promise<void> {
  const { settings, environment } = context
  const given = flags.event === undefined ? null : await readEventFile(flags.event)
  // A cluster takes appends from anybody; an embedded log only from the process that holds its folder.
  const open = settings.ledger === undefined ? openHouse : openHouseToRead
  const house = await open(houseOf(context, 'riskledger quarantine redrive'))
  try {
    const refused = await find(house, place, context)
    const repair = repairOf(refused, given, flags)
    const log = await openLogToWrite(house)
    try {
      const { ledger, dataDir } = house
      const sent = await redriveInput(refused, repair, {
        ledger,
        log,
        dataDir,
        environment,
        nowMs: Date.now,
        again: flags.again === true,
      })
      if (context.json) return context.printJson(sent)
      context.print(`sent again  input ${sent.redriveOf} as event ${sent.eventId}, ${sent.topic}/${sent.partition}@${grouped(sent.offset)}`)
      context.print('            riskledger up screens it; riskledger explain tells what became of it')
    } finally {
      await log.close()
    }
  } finally {
    await house.close()
  }
}

/** The event to send: the file's, or the refused one's own as far as it can be read, with what is set put in. */
function repairOf(refused: RefusedInput, given: DraftFields | null, { set, event: file }: RedriveFlags): Repair {
  const { found } = refused
  const at = `${found.partition}/${found.sequence}`
  const draft = given === null ? refused.event : readLine(JSON.stringify(given))
  if (draft === null) {
    throw given === null
      ? wrong(`Nothing of input ${at} can be read as an event. Give it whole with --event file.json.`)
      : wrong(`${file}: is no {"topic": ..., "event": {...}}.`)
  }
  if (draft.topic === null)
    throw wrong(
      `${file ?? `Input ${at}`} names no topic of events. Give the event whole with --event, its topic one of ${RAW_TOPICS.slice(0, -1).join(', ')}.`,
    )
  return { topic: draft.topic, fields: { ...draft.fields, ...Object.fromEntries(set) } }
}

async function readEventFile(file: string): Promise<DraftFields> {
  const text = await readText(file, 'event')
  try {
    const json = JSON.parse(text) as unknown
    if (isObject(json)) return json
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw wrong(`${file}: is no JSON object; it is {"topic": ..., "event": {...}}.`)
}

function wrong(message: string): RiskError {
  return new RiskError('configuration-invalid', message, { retriable: false })
}

function addSetting(text: string, before: RedriveFlags['set']): RedriveFlags['set'] {
  const at = text.indexOf('=')
  const field = text.slice(0, Math.max(0, at))
  if (!/^[A-Za-z]\w*$/.test(field)) throw new InvalidArgumentError('It is field=value.')
  if (field === 'eventId' || field === 'traceId') throw new InvalidArgumentError(`The new event gets a ${field} of its own.`)
  return [...before, [field, jsonOrText(text.slice(at + 1))]]
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return text
    throw error
  }
}

function limitOf(text: string): number {
  const limit = Number(text)
  if (!/^[1-9]\d*$/.test(text) || limit > MAX_LIMIT) throw new InvalidArgumentError(`It is a whole number from 1 to ${grouped(MAX_LIMIT)}.`)
  return limit
}
