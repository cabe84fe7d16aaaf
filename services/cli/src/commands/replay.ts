import { type Command } from 'commander'
import { RiskError } from '@riskledger/contracts'
import { parseScreeningStream, screeningStream } from '@riskledger/journal'
import { entriesAhead, foldForward, PolicyShelf } from '@riskledger/screener'
import { JournalFold, type Mismatch } from '@riskledger/screening'
import { createHash } from 'node:crypto'
import { EXIT } from '../exit-codes'
import { bundleEngine } from '../house/engine'
import { openHouseToRead, type House } from '../house/open-house'
import { grouped } from '../text/numbers'
import { ProgressBar } from '../text/progress-bar'
import { contextOf, houseOf, type CommandContext, type Finish } from './command-context'

/** `riskledger replay`: folds the journals again and compares every recorded verdict, score and window value. */
export function addReplay(program: Command, finish: Finish): void {
  program
    .command('replay')
    .description('decide everything again from the ledger alone, and compare')
    .option('--at <entry>', 'replay up to this entry and compare it: screening-000.0000@88')
    .action(async (flags: { at?: string }, command: Command) => {
      const context = contextOf(command)
      const at = flags.at === undefined ? null : parsePosition(flags.at)
      const house = await openHouseToRead(houseOf(context, 'riskledger replay'))
      try {
        finish(await replay(house, context, at))
      } finally {
        await house.close()
      }
    })
}

/** An entry's place. */
interface EntryPosition {
  readonly stream: string
  readonly revision: number
}

/** Reads `stream@revision`; throws `configuration-invalid`. */
function parsePosition(text: string): EntryPosition {
  const match = /^(.+)@(\d{1,15})$/.exec(text)
  if (match !== null && parseScreeningStream(match[1]) !== null) return { stream: match[1], revision: Number(match[2]) }
  throw new RiskError('configuration-invalid', `--at is ${text}; it names an entry of a journal, such as screening-000.0000@88.`, {
    retriable: false,
  })
}

async function replay(house: House, context: CommandContext, at: EntryPosition | null): Promise<number> {
  const bar = new ProgressBar('inputs')
  const startedMs = Date.now()
  const folds: JournalFold[] = []
  const engines = new Set<string>()
  for (let partition = 0; partition < house.folder.partitions; partition++) {
    const stream = screeningStream(partition, 0, context.environment)
    if (at !== null && at.stream !== stream) continue
    const fold = new JournalFold(stream)
    fold.checksStates = true
    folds.push(fold)
    const before = folds.reduce((sum, one) => sum + one.inputCount, 0)
    await foldForward(
      fold,
      { ledger: house.ledger, policies: new PolicyShelf(house.ledger, context.environment) },
      {
        onEntry: (entry) => {
          engines.add(entry.metadata.engineHash)
          bar.update(before + fold.inputCount, 0)
        },
        entries: entriesAhead({ connectionString: house.connectionString, after: fold.head, until: at?.revision ?? null }),
        ...(at === null ? {} : { until: at.revision }),
      },
    )
  }
  bar.clear()
  assertFound(folds, at)
  const seconds = (Date.now() - startedMs) / 1000
  const sum = (of: (fold: JournalFold) => number): number => folds.reduce((total, fold) => total + of(fold), 0)
  const inputs = sum((fold) => fold.inputCount)
  const mismatches = sum((fold) => fold.mismatchCount)
  const first = folds.map((fold) => fold.firstMismatch).find((mismatch) => mismatch !== null) ?? null
  const hashes = folds.filter((fold) => fold.step !== null && fold.inputCount > 0).map((fold) => fold.step!.stateHash())
  const result = {
    inputs,
    compared: sum((fold) => fold.comparedCount),
    mismatches,
    stateHash: hashes.length === 1 ? hashes[0] : createHash('sha256').update(hashes.join('')).digest('hex'),
    seconds: Math.round(seconds * 1000) / 1000,
    inputsPerSecond: Math.round(inputs / Math.max(seconds, 0.001)),
    firstMismatch: first,
  }
  if (context.json) context.printJson(result)
  else tell(context, result)
  const { hash } = await bundleEngine()
  if (!context.json)
    for (const engine of engines)
      if (engine !== hash)
        context.print(`note        some entries were written by other code (${engine.slice(0, 12)}…); this is ${hash.slice(0, 12)}…`)
  return mismatches > 0 ? EXIT.faultFound : EXIT.done
}

/** A proof of nothing is none: every journal must be there, and reach the entry that was asked for. */
function assertFound(folds: readonly JournalFold[], at: EntryPosition | null): void {
  const missing = folds.find((fold) => fold.step === null)
  if (missing !== undefined || folds.length === 0) {
    const stream = missing?.head.stream ?? at?.stream ?? 'the journal'
    throw new RiskError(
      'not-found',
      `${stream} is not in this ledger: there is nothing to replay. Check --data-dir, and --at if it was given.`,
      {
        retriable: false,
      },
    )
  }
  if (at === null || folds[0].head.revision >= at.revision) return
  throw new RiskError('not-found', `${at.stream}@${at.revision} does not exist: the journal ends at @${folds[0].head.revision}.`, {
    retriable: false,
  })
}

function tell(
  context: CommandContext,
  result: {
    inputs: number
    compared: number
    mismatches: number
    stateHash: string
    seconds: number
    inputsPerSecond: number
    firstMismatch: Mismatch | null
  },
): void {
  context.print(
    `replayed    ${grouped(result.inputs)} inputs in ${result.seconds.toFixed(1)} s, ${grouped(result.inputsPerSecond)} inputs/s`,
  )
  context.print(
    `compared    ${grouped(result.compared)} verdicts and decisions with what is recorded: ${result.mismatches === 0 ? 'all equal' : `${grouped(result.mismatches)} differ`}`,
  )
  context.print(`state       ${result.stateHash}`)
  const first = result.firstMismatch
  if (first !== null) {
    context.print(`first       ${first.stream}@${first.revision}, sequence ${grouped(first.sequence)}: ${first.field}`)
    context.print(`  recorded  ${first.recorded}`)
    context.print(`  replayed  ${first.folded}`)
  }
}
