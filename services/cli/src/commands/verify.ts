import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Command } from 'commander'
import { RAW_TOPICS } from '@riskledger/contracts'
import { openEmbeddedLog } from '@riskledger/embedded-log'
import { EXIT } from '../exit-codes'
import { recordsAhead } from '../house/entries-ahead'
import { openHouseToRead, type House } from '../house/open-house'
import { verifyLedger } from '../house/verify-ledger'
import { grouped } from '../text/numbers'
import { ProgressBar } from '../text/progress-bar'
import { contextOf, type Finish } from './command-context'

/** `riskledger verify`: has anything been altered? */
export function addVerify(program: Command, finish: Finish): void {
  program
    .command('verify')
    .description('check every hash chain, gap, tenure and artifact of the ledger')
    .action(async (_flags: unknown, command: Command) => {
      const context = contextOf(command)
      const house = await openHouseToRead({ dataDir: context.settings.dataDir, command: 'riskledger verify' })
      try {
        const bar = new ProgressBar('inputs')
        const startedMs = Date.now()
        const { streams, entries, inputs, faults } = await verifyLedger(house.ledger, {
          environment: context.environment,
          records: await recordsOf(house),
          entriesOf: (streamPrefixes) => recordsAhead({ connectionString: house.connectionString, streamPrefixes }),
          onInputs: (done) => bar.update(done, 0),
        })
        bar.clear()
        const seconds = (Date.now() - startedMs) / 1000
        finish(faults.length > 0 ? EXIT.faultFound : EXIT.done)
        const inputsPerSecond = Math.round(inputs / Math.max(seconds, 0.001))
        if (context.json)
          return context.printJson({ streams, entries, faults, inputs, seconds: Math.round(seconds * 1000) / 1000, inputsPerSecond })
        context.print(
          `verified    ${grouped(entries)} entries of ${grouped(streams)} streams, ${grouped(inputs)} inputs in ${seconds.toFixed(1)} s, ${grouped(inputsPerSecond)} inputs/s`,
        )
        for (const fault of faults)
          context.print(`fault       ${fault.stream}${fault.revision < 0 ? '' : `@${fault.revision}`}: ${fault.reason}`)
        context.print(
          faults.length === 0
            ? 'faults      none'
            : `faults      ${grouped(faults.length)}. Restore from a backup (riskledger backup), then run verify again.`,
        )
      } finally {
        await house.close()
      }
    })
}

/** Records in the log, by partition; none where the folder has no log. */
async function recordsOf(house: House): Promise<readonly number[]> {
  const folder = join(house.dataDir, 'log')
  const { partitions } = house.folder
  if (!existsSync(join(folder, 'data.mdb'))) return []
  const log = openEmbeddedLog({ folder, partitionCount: partitions, readOnly: true })
  try {
    const counts: number[] = []
    for (let partition = 0; partition < partitions; partition++) {
      let records = 0
      for (const topic of RAW_TOPICS) records += (await log.range(topic, partition)).end
      counts.push(records)
    }
    return counts
  } finally {
    await log.close()
  }
}
