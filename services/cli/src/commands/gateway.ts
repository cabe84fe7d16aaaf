import { existsSync } from 'node:fs'
import { chmod, writeFile } from 'node:fs/promises'
import { Option, type Command } from 'commander'
import { RiskError } from '@riskledger/contracts'
import { createApiKey, MAX_API_KEYS, parseApiKeys, type ApiKeyRole } from '@riskledger/gateway'
import { screeningStream } from '@riskledger/journal'
import { EXIT } from '../exit-codes'
import { firstPolicyActivated } from '../house/first-policy-activated'
import { readNamedFile } from '../house/read-named-file'
import { runService, threadService } from '../house/service-session'
import { gatewayDoor, startGatewayThread } from '../house/start-gateway-thread'
import { addGatewayOptions } from './gateway-options'
import { contextOf, type CommandContext, type Finish } from './command-context'

interface KeyFlags {
  readonly name: string
  readonly role: ApiKeyRole
}

/** `riskledger gateway`: the front door over HTTP, and the keys to it. */
export function addGateway(program: Command, finish: Finish): void {
  const gateway = program
    .command('gateway')
    .description('take events over HTTP, and tell a verdict in the same request')
    .action(async (_flags: unknown, command: Command) => {
      const context = contextOf(command)
      const { environment, settings } = context
      const start: Parameters<typeof runService>[0]['start'] = async (house, signal) => {
        const door = gatewayDoor(settings)
        await firstPolicyActivated(house.ledger, { stream: screeningStream(0, 0, environment), signal })
        const { thread, url } = await startGatewayThread(house, { door, logLevel: settings.logLevel, environment, signal })
        return threadService(thread, { name: 'gateway', says: `Gateway ${url}; ledger ${house.connectionString}.`, tells: { url } })
      }
      finish(await runService({ context, name: 'gateway', needsKafka: true, start }))
    })
  addGatewayOptions(gateway)
  gateway
    .command('keys')
    .description('the keys file of the gateway')
    .command('create')
    .description('make a key: its text is printed once, its hash goes into the keys file')
    .requiredOption('--name <name>', 'whose key it is: 1 to 64 of a-z, 0-9, "-", "." and "_"')
    .addOption(
      new Option('--role <role>', 'publisher: sends events and asks for verdicts; reader: reads decisions')
        .choices(['publisher', 'reader'])
        .makeOptionMandatory(),
    )
    .action(async ({ name, role }: KeyFlags, command: Command) => {
      await createKey(contextOf(command), { name, role })
      finish(EXIT.done)
    })
}

async function createKey(context: CommandContext, { name, role }: KeyFlags): Promise<void> {
  const { gatewayKeys: file } = context.settings
  if (file === undefined)
    throw new RiskError('configuration-invalid', 'Name the keys file with --gateway-keys; it is made where it is missing.', {
      retriable: false,
    })
  const isNew = !existsSync(file)
  const keys = isNew ? [] : parseApiKeys(readNamedFile(file, 'gateway-keys'), file)
  if (keys.some((key) => key.name === name))
    throw new RiskError('configuration-invalid', `${file} has a key of ${name} already. Take that out first, or choose another name.`, {
      retriable: false,
    })
  if (keys.length >= MAX_API_KEYS)
    throw new RiskError('limit-reached', `${file} has ${keys.length} keys; that is the limit.`, { retriable: false })
  const { key, record } = createApiKey(name, role)
  await writeFile(file, `${JSON.stringify({ keys: [...keys, record] }, null, 2)}\n`)
  // The gateway may run as another user, as in a container. It holds hashes of 256 random bits and nothing else: whoever reads it gets in nowhere.
  if (isNew) await chmod(file, 0o644)
  if (context.json) return context.printJson({ name, role, key, file })
  context.print(`key         ${key}`)
  context.print(
    `            of ${name}, a ${role}. It is shown this once; ${file} keeps its hash. A running gateway reads the file at its next start.`,
  )
}
