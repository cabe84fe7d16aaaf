import type { Command } from 'commander'
import { stopOnSignals } from '@riskledger/runtime'
import { EXIT } from '../exit-codes'
import { backUp } from '../house/back-up'
import { bytesText, grouped } from '../text/numbers'
import { ProgressBar } from '../text/progress-bar'
import { contextOf, type CommandContext, type Finish } from './command-context'

/** `riskledger backup`: a consistent copy of the data folder, verified after writing. */
export function addBackup(program: Command, finish: Finish): void {
  program
    .command('backup')
    .description('copy the data folder, also while it is in use, and verify the copy')
    .requiredOption('--out <folder>', 'new or empty folder for the copy')
    .action(async ({ out }: { readonly out: string }, command: Command) => {
      const context = contextOf(command)
      const stopping = stopOnSignals()
      try {
        await back(out, context, stopping.signal)
        finish(EXIT.done)
      } finally {
        stopping.dispose()
      }
    })
}

async function back(out: string, context: CommandContext, signal: AbortSignal): Promise<void> {
  const copying = new ProgressBar('bytes')
  const verifying = new ProgressBar('inputs')
  try {
    const report = await backUp(context.settings.dataDir, out, {
      environment: context.environment,
      signal,
      onCopied: (bytes) => copying.update(bytes, 0),
      onVerified: (inputs) => {
        copying.clear()
        verifying.update(inputs, 0)
      },
    })
    copying.clear()
    verifying.clear()
    if (context.json) return context.printJson({ ...report, verified: true })
    context.print(`copied      ${bytesText(report.bytes)} to ${report.folder}`)
    context.print(
      `verified    ${grouped(report.entries)} entries of ${grouped(report.streams)} streams, ${grouped(report.inputs)} inputs, ${grouped(report.logRecords)} records of the log: no fault`,
    )
    context.print(`\nNext:  npx riskledger --data-dir ${out} status    the copy is a data folder like any other`)
  } finally {
    copying.clear()
    verifying.clear()
  }
}
