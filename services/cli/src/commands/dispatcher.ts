import type { Command } from 'commander'
import { DISPATCHER_THREAD } from '@riskledger/dispatcher'
import { startThread } from '@riskledger/runtime'
import { runService, threadReady, threadService } from '../house/service-session'
import { dispatcherInput } from '../house/thread-inputs'
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
      const start: Parameters<typeof runService>[0]['start'] = async (house, signal) => {
        const input = dispatcherInput(house, { ...context, connection: context.kafka! })
        const thread = startThread(DISPATCHER_THREAD, { name: 'dispatcher', input })
        await threadReady(thread, signal)
        return threadService(thread, {
          name: 'dispatcher',
          says: `Dispatcher of ${house.folder.partitions} journals to ${context.settings.kafka}; ledger ${house.connectionString}.`,
        })
      }
      finish(await runService({ context, name: 'dispatcher', needsKafka: true, start }))
    })
}
