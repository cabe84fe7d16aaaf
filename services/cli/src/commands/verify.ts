import { type Command } from 'commander'
import { EXIT } from '../exit-codes'
import { recordsAhead } from '../house/records-ahead'
import { openHouseToRead } from '../house/open-house'
import { verifyHouse } from '../house/verify-house'
import { grouped } from '../text/numbers'
import { ProgressBar } from '../text/progress-bar'
import { contextOf, houseOf, type Finish } from './command-context'

/** `riskledger verify`: has anything been altered? */
export function addVerify(program: Command, finish: Finish): void {
  program
    .command('verify')
    .description('check every hash chain, gap, tenure and artifact of the ledger, and that the log holds what the journals go by')
    .action(async (_flags: unknown, command: Command) => {
      const context = contextOf(command)
      const house = await openHouseToRead(houseOf(context, 'riskledger verify'))
      try {
        const bar = new ProgressBar('inputs')
        const startedMs = Date.now()
        const { streams, entries, inputs, logRecords, faults } = await verifyHouse(house, {
          environment: context.environment,
          entriesOf: (streamPrefixes) => recordsAhead({ connectionString: house.connectionString, streamPrefixes }),
          onInputs: (done) => bar.update(done, 0),
        })
        bar.clear()
        const seconds = (Date.now() - startedMs) / 1000
        finish(faults.length > 0 ? EXIT.faultFound : EXIT.done)
        const inputsPerSecond = Math.round(inputs / Math.max(seconds, 0.001))
        if (context.json)
          return context.printJson({
            streams,
            entries,
            faults,
            inputs,
            logRecords,
            seconds: Math.round(seconds * 1000) / 1000,
            inputsPerSecond,
          })
        context.print(
          `verified    ${grouped(entries)} entries of ${grouped(streams)} streams, ${grouped(inputs)} inputs and ${grouped(logRecords)} records of the log in ${seconds.toFixed(1)} s, ${grouped(inputsPerSecond)} inputs/s`,
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
