import type { Command } from 'commander'
import { screeningStream } from '@riskledger/journal'
import { RELATIONS_THREAD } from '@riskledger/relations-service'
import { startThread } from '@riskledger/runtime'
import { activePolicy } from '../house/active-policy'
import { bundleEngine } from '../house/engine'
import { firstPolicyActivated } from '../house/first-policy-activated'
import type { House } from '../house/open-house'
import { runService, threadReady, threadService, type RunningService } from '../house/service-session'
import { relationsInput } from '../house/thread-inputs'
import { contextOf, type CommandContext, type Finish } from './command-context'

/** `riskledger relations`: folds the journals of a ledger into what is known of counterparties and devices. */
export function addRelations(program: Command, finish: Finish): void {
  program
    .command('relations')
    .description('fold the journals of a ledger into what is known of counterparties and devices; one process for all partitions')
    .option('--health-port <port>', 'serve /health/live, /health/ready and /metrics there (default: nowhere)')
    .option('--health-host <address>', 'address that the health port listens on (default 127.0.0.1)')
    .action(async (_flags: unknown, command: Command) => {
      const context = contextOf(command)
      finish(
        await runService({
          context,
          name: 'relations',
          needsKafka: true,
          start: (house, signal) => startRelations(context, { house, signal }),
        }),
      )
    })
}

async function startRelations(
  context: CommandContext,
  { house, signal }: { readonly house: House; readonly signal: AbortSignal },
): Promise<RunningService> {
  const { environment, crashAt, settings, health, pace } = context
  await firstPolicyActivated(house.ledger, { stream: screeningStream(0, 0, environment), signal })
  const { policy } = await activePolicy(house.ledger, { stream: screeningStream(0, 0, environment), which: 'first', environment })
  const options = { house, engine: await bundleEngine(), environment, logLevel: settings.logLevel, health, crashAt, pace }
  const thread = startThread(RELATIONS_THREAD, { name: 'relations', input: relationsInput(options, policy) })
  await threadReady(thread, signal)
  return threadService(thread, {
    name: 'relations',
    says: `Relations of ${house.folder.partitions} journals; ledger ${house.connectionString}.`,
  })
}
