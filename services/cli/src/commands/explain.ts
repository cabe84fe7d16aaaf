import type { Command } from 'commander'
import { EXIT } from '../exit-codes'
import { bundleEngine } from '../house/engine'
import { explainInput } from '../house/explain-input'
import { findInput } from '../house/find-input'
import { judgeAgain } from '../house/judged-input'
import { openHouseToRead, type House } from '../house/open-house'
import { explanationLines } from '../text/explanation-text'
import { ProgressBar } from '../text/progress-bar'
import { contextOf, houseOf, type CommandContext, type Finish } from './command-context'

/** `riskledger explain <id>`: why was this decided so? */
export function addExplain(program: Command, finish: Finish): void {
  program
    .command('explain')
    .description('tell what became of an input and why: verdict, signals with their numbers, facts, policy, positions')
    .argument('<id>', 'event id, decision id (or its beginning), or sequence (with several partitions: 2/1041)')
    .option('--fold', 'fold the journal up to the input also where its evidence is recorded, to see the habit it was held against')
    .action(async (id: string, flags: { readonly fold?: boolean }, command: Command) => {
      const context = contextOf(command)
      const house = await openHouseToRead(houseOf(context, 'riskledger explain'))
      try {
        await explain(house, { id, fold: flags.fold === true, context })
        finish(EXIT.done)
      } finally {
        await house.close()
      }
    })
}

async function explain(
  house: House,
  { id, fold, context }: { readonly id: string; readonly fold: boolean; readonly context: CommandContext },
): Promise<void> {
  const { ledger, dataDir, folder } = house
  const { environment } = context
  const bar = new ProgressBar('inputs')
  const onInputs = (inputs: number): void => bar.update(inputs, 0)
  const found = await findInput(id, { ledger, dataDir, partitions: folder.partitions, environment, onInputs })
  const { status } = found.input
  const isJudged = status === 'screened' || status === 'late'
  const judged =
    isJudged && (fold || found.decision === null)
      ? await judgeAgain(found, { ledger, dataDir, environment, engineHash: (await bundleEngine()).hash, onInputs })
      : null
  bar.clear()
  const explanation = await explainInput(found, { ledger, environment, judged })
  const at = `${explanation.position.stream}@${explanation.position.decisionRevision ?? explanation.position.revision}`
  const repeat = `npx riskledger ${placeFlags(context)}replay --at ${at}`
  if (context.json) context.printJson({ ...explanation, repeat })
  else for (const line of explanationLines(explanation, { repeat })) context.print(line)
}

/** The flags that name where this command looked, as another command needs them. */
function placeFlags({ dataDirGiven, settings: { dataDir, ledger, prefix } }: CommandContext): string {
  const flags = [
    ...(dataDirGiven ? [`--data-dir ${dataDir}`] : []),
    ...(ledger === undefined ? [] : [`--ledger '${ledger}'`]),
    ...(prefix === undefined ? [] : [`--prefix ${prefix}`]),
  ]
  return flags.map((flag) => `${flag} `).join('')
}
