import type { Command } from 'commander'
import { aborted, stopOnSignals } from '@riskledger/runtime'
import { EXIT } from '../exit-codes'
import { openHouse } from '../house/open-house'
import { contextOf, houseOf, type Finish } from './command-context'

/** `riskledger ledger`: the embedded ledger alone, for services that run as processes of their own on one machine. */
export function addLedger(program: Command, finish: Finish): void {
  program
    .command('ledger')
    .description('serve the embedded ledger of the data folder alone, on 127.0.0.1, for services that run beside it')
    .option('--ledger-port <port>', 'port on 127.0.0.1 (default: any free one)')
    .option('--partitions <n>', 'partitions of a new data folder (default 1)')
    .action(async (_flags: unknown, command: Command) => {
      const context = contextOf(command)
      const stopping = stopOnSignals()
      // Served from the folder, whatever else the environment names.
      const house = await openHouse({ ...houseOf(context, 'riskledger ledger'), kafka: null, ledgerUrl: null })
      try {
        if (context.json) context.printJson({ service: 'ledger', ledger: house.connectionString, dataDir: house.dataDir, pid: process.pid })
        else context.print(`Ledger ${house.connectionString}, data ${house.dataDir}.   Ctrl-C stops.`)
        await Promise.race([house.failed, aborted(stopping.signal)])
        finish(EXIT.done)
      } finally {
        stopping.dispose()
        await house.close()
      }
    })
}
