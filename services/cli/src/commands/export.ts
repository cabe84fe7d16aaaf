import { Option, type Command } from 'commander'
import { RiskError, type InputStatus, type Verdict } from '@riskledger/contracts'
import { STATUSES, VERDICTS } from '@riskledger/journal'
import { EXIT } from '../exit-codes'
import { inputRows, type InputRow } from '../house/input-rows'
import { openHouseToRead, type House } from '../house/open-house'
import { refuseExisting, writeChunks, writeFileFromChunks } from '../house/write-output'
import { csvLine } from '../text/csv'
import { grouped } from '../text/numbers'
import { ProgressBar } from '../text/progress-bar'
import { contextOf, houseOf, type CommandContext, type Finish } from './command-context'

/** Columns in order; the names of the fields in NDJSON too. */
const COLUMNS: readonly (keyof InputRow)[] = [
  'sequence',
  'topic',
  'eventId',
  'accountId',
  'status',
  'verdict',
  'score',
  'reasons',
  'partition',
  'offset',
  'lateByMs',
  'firstSequence',
]

type ExportFormat = 'ndjson' | 'csv'

interface ExportFlags {
  readonly format?: ExportFormat
  readonly status?: InputStatus
  readonly verdict?: Verdict
  readonly out?: string
  readonly force?: boolean
}

/** `riskledger export`: one row per input, in the journal's order. */
export function addExport(program: Command, finish: Finish): void {
  program
    .command('export')
    .description('write one row per input: what came in and what became of it')
    .addOption(
      new Option('--format <format>', 'form of the rows (default: csv for an --out that ends in .csv, else ndjson)').choices([
        'ndjson',
        'csv',
      ]),
    )
    .addOption(new Option('--status <status>', 'only inputs with this status').choices([...STATUSES]))
    .addOption(new Option('--verdict <verdict>', 'only inputs with this verdict').choices([...VERDICTS]))
    .option('--out <file>', 'write to this file, whole or not at all (default: standard output)')
    .option('--force', 'write over a file that is there')
    .action(async (flags: ExportFlags, command: Command) => {
      const context = contextOf(command)
      if (context.json && flags.out === undefined) {
        throw new RiskError(
          'configuration-invalid',
          '--json prints one object about the export, and the rows need a place of their own: name a file with --out.',
          { retriable: false },
        )
      }
      if (flags.out !== undefined) refuseExisting(flags.out, { force: flags.force === true })
      const house = await openHouseToRead(houseOf(context, 'riskledger export'))
      try {
        await exportRows(house, flags, context)
        finish(EXIT.done)
      } finally {
        await house.close()
      }
    })
}

async function exportRows(house: House, flags: ExportFlags, context: CommandContext): Promise<void> {
  const bar = new ProgressBar('inputs')
  const counts = { read: 0, rows: 0 }
  const format = flags.format ?? (flags.out?.toLowerCase().endsWith('.csv') === true ? 'csv' : 'ndjson')
  const chunks = chunksOf(house, { flags, format, environment: context.environment, counts, onRead: () => bar.update(counts.read, 0) })
  if (flags.out === undefined) {
    await writeChunks(chunks, process.stdout)
    bar.clear()
    return
  }
  await writeFileFromChunks(flags.out, chunks)
  bar.clear()
  if (context.json) context.printJson({ file: flags.out, format, inputs: counts.read, rows: counts.rows })
  else context.print(`exported    ${grouped(counts.rows)} of ${grouped(counts.read)} inputs to ${flags.out}`)
}

interface ChunkOptions {
  readonly flags: ExportFlags
  readonly format: ExportFormat
  readonly environment: string
  readonly counts: { read: number; rows: number }
  readonly onRead: () => void
}

async function* chunksOf(
  house: House,
  { flags, format, environment, counts, onRead }: ChunkOptions,
): AsyncGenerator<string, void, undefined> {
  const { status, verdict } = flags
  if (format === 'csv') yield `${COLUMNS.join(',')}\r\n`
  for await (const rows of inputRows(house.ledger, { partitions: house.folder.partitions, environment })) {
    counts.read += rows.length
    let text = ''
    for (const row of rows) {
      if ((status !== undefined && row.status !== status) || (verdict !== undefined && row.verdict !== verdict)) continue
      counts.rows++
      text += format === 'csv' ? csvRow(row) : `${JSON.stringify(row)}\n`
    }
    onRead()
    if (text !== '') yield text
  }
}

function csvRow(row: InputRow): string {
  return `${csvLine(COLUMNS.map((column) => (column === 'reasons' ? row.reasons.join(' ') : row[column])))}\r\n`
}
