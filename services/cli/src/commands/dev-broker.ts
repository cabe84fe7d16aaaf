import { isAbsolute, join, relative } from 'node:path'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { RiskError } from '@riskledger/contracts'
import { cachedBrokerJars, KAFKA_VERSION, startDevBroker, type DevBroker } from '@riskledger/dev-broker'
import { DEV_BROKER_FOLDER, stopOnSignals } from '@riskledger/runtime'
import { EXIT } from '../exit-codes'
import { contextOf, type CommandContext, type Finish } from './command-context'

const DEFAULT_PORT = 9_092

interface DevBrokerFlags {
  readonly nodes: string
  readonly port: number
}

/** `riskledger dev-broker`: Apache Kafka itself on this machine, without containers. */
export function addDevBroker(program: Command, finish: Finish): void {
  program
    .command('dev-broker')
    .description('run Apache Kafka on 127.0.0.1 for development, until Ctrl-C (needs Java 17, and Maven once)')
    .addOption(new Option('--nodes <n>', 'brokers: 1, or 3 that replicate').choices(['1', '3']).default('1'))
    .option('--port <port>', 'port of the first broker; the others take the next ones', portNumber, DEFAULT_PORT)
    .addHelpText('after', '\nIts files are kept in kafka/ in the data folder, and taken up again at the next start.')
    .action(async (flags: DevBrokerFlags, command: Command) => {
      finish(await serve(flags, contextOf(command)))
    })
}

/** Stays until it is told to stop, or until a broker ends by itself, which is a failure. */
async function serve(flags: DevBrokerFlags, context: CommandContext): Promise<number> {
  const nodes = flags.nodes === '3' ? 3 : 1
  const folder = join(context.settings.dataDir, DEV_BROKER_FOLDER)
  if (cachedBrokerJars() === undefined && !context.json)
    context.print(`Fetching Kafka ${KAFKA_VERSION} with Maven, once, 54 MB; it is kept in .cache.`)
  const stopping = stopOnSignals()
  try {
    let tellDeath: (error: RiskError) => void = () => undefined
    const died = new Promise<RiskError>((resolve) => (tellDeath = resolve))
    const broker = await startDevBroker({
      folder,
      nodes,
      ports: Array.from({ length: nodes }, (_, index) => flags.port + index),
      signal: stopping.signal,
      onNodeDied: (id, { code, signal }) =>
        tellDeath(
          new RiskError('log-unavailable', `Kafka's node ${id} ended by itself (${code ?? signal}). Its log is in ${folder}/node-${id}.`, {
            retriable: true,
            context: { node: id },
          }),
        ),
    })
    try {
      tell(broker, { context, folder })
      const stopped = new Promise<undefined>((resolve) => {
        if (stopping.signal.aborted) resolve(undefined)
        else stopping.signal.addEventListener('abort', () => resolve(undefined), { once: true })
      })
      const failure = await Promise.race([stopped, died])
      if (failure !== undefined) throw failure
    } finally {
      await broker.stop()
    }
    if (!context.json) context.print('Stopped; its files stay.')
    return EXIT.done
  } finally {
    stopping.dispose()
  }
}

function tell(broker: DevBroker, { context, folder }: { readonly context: CommandContext; readonly folder: string }): void {
  if (context.json)
    return context.printJson({
      version: KAFKA_VERSION,
      brokers: broker.brokers,
      nodes: broker.nodes.map(({ id, broker: address, pid }) => ({ id, broker: address, pid })),
      folder,
    })
  const shown = relative(process.cwd(), folder)
  context.print(
    `Kafka ${KAFKA_VERSION}   ${broker.brokers.join(',')}   data ${shown.startsWith('..') || isAbsolute(shown) ? folder : shown}`,
  )
  context.print('For development: no passwords, no encryption, this machine only. Ctrl-C stops it.')
}

function portNumber(text: string): number {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65_533) return port
  throw new InvalidArgumentError('It is a port, 1 to 65533.')
}
