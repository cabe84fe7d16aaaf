import { join } from 'node:path'
import type { Command } from 'commander'
import { DISPATCHER_THREAD, type DispatcherThreadInput } from '@riskledger/dispatcher'
import { startThread } from '@riskledger/runtime'
import { runService, threadService } from '../house/service-session'
import { contextOf, type Finish } from './command-context'

/** `riskledger dispatcher`: publishes what the journals decide. */
export function addDispatcher(program: Command, finish: Finish): void {
  program
    .command('dispatcher')
    .description('publish the verdict of every input to risk.verdicts, and what was refused to risk.quarantine')
    .option('--health-port <port>', 'serve /health/live, /health/ready and /metrics there (default: nowhere)')
    .option('--health-host <address>', 'address that the health port listens on (default 127.0.0.1)')
    .action(async (_flags: unknown, command: Command) => {
      const context = contextOf(command)
      const { environment, crashAt, settings, health } = context
      const start: Parameters<typeof runService>[0]['start'] = async (house) => {
        const input: DispatcherThreadInput = {
          connection: context.kafka!,
          connectionString: house.connectionString,
          partitionCount: house.folder.partitions,
          environment,
          positionsFolder: join(house.dataDir, 'positions'),
          health,
          crashAt,
          logLevel: settings.logLevel,
        }
        const thread = startThread(DISPATCHER_THREAD, { name: 'dispatcher', input })
        await thread.ready
        return threadService(thread, {
          name: 'dispatcher',
          says: `Dispatcher of ${house.folder.partitions} journals to ${settings.kafka}; ledger ${house.connectionString}.`,
        })
      }
      finish(await runService({ context, name: 'dispatcher', needsKafka: true, start }))
    })
}
