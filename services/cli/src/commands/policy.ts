import type { Command } from 'commander'
import { stringify } from 'yaml'
import { RiskError } from '@riskledger/contracts'
import { lastEntry, screeningStream } from '@riskledger/journal'
import { parsePolicy, type AcceptedPolicy } from '@riskledger/policy'
import { readDataFolder, readLock } from '@riskledger/runtime'
import { assertChallengeSecret, PolicyShelf } from '@riskledger/screener'
import { EXIT } from '../exit-codes'
import { activateAlone, activateThrough, type Activation } from '../house/activate-policy'
import { bundleEngine } from '../house/engine'
import { activeSince } from '../house/explain-input'
import { openHouse, openHouseToRead, type House } from '../house/open-house'
import { contextOf, houseOf, type CommandContext, type Finish } from './command-context'
import { loadPolicyFile, readText } from './load-policy'

const DEFAULT_TIMEOUT_S = 30

/** `riskledger policy`: check a policy file, show the policy in force, put another into force. */
export function addPolicy(program: Command, finish: Finish): void {
  const policy = program.command('policy').description('check a policy file, show the policy in force, put another into force')
  policy
    .command('check')
    .description('name everything that is wrong in a policy file, with line and column; or its hash')
    .argument('<file>', 'policy document (YAML)')
    .action(async (file: string, _flags: unknown, command: Command) => finish(await check(file, contextOf(command))))
  policy
    .command('show')
    .description('print the policy in force, or any that the ledger holds')
    .option('--hash <hash>', 'the policy with this SHA-256 instead of the one in force')
    .option('--yaml', 'print the document alone, as YAML: what policy check and policy activate take')
    .action(async (flags: { readonly hash?: string; readonly yaml?: boolean }, command: Command) => {
      const context = contextOf(command)
      const house = await openHouseToRead(houseOf(context, 'riskledger policy show'))
      try {
        await show(house, { ...flags, context })
        finish(EXIT.done)
      } finally {
        await house.close()
      }
    })
  policy
    .command('activate')
    .description('put a policy into force from the next batch on, as an entry in every journal')
    .argument('<file>', 'policy document (YAML)')
    .option('--timeout <seconds>', `how long to wait for a running riskledger up to follow (default ${DEFAULT_TIMEOUT_S})`)
    .action(async (file: string, flags: { readonly timeout?: string }, command: Command) => {
      await activate(file, { timeoutMs: timeoutOf(flags.timeout), context: contextOf(command) })
      finish(EXIT.done)
    })
}

async function check(file: string, context: CommandContext): Promise<number> {
  const result = parsePolicy(await readText(file, 'policy'))
  if (result.kind === 'accepted') {
    const { hash, policy } = result
    if (context.json) context.printJson({ ok: true, file, hash, name: policy.name, problems: [] })
    else context.print(`ok          ${file} is policy ${policy.name}, ${hash}`)
    return EXIT.done
  }
  if (context.json) context.printJson({ ok: false, file, hash: null, name: null, problems: result.problems })
  else {
    for (const { line, column, path, message } of result.problems)
      context.print(`${file}:${line}:${column}: ${path === '' ? '' : `${path} `}${message}`)
  }
  return EXIT.wrongUse
}

async function show(
  house: House,
  { hash, yaml, context }: { readonly hash?: string; readonly yaml?: boolean; readonly context: CommandContext },
): Promise<void> {
  if (hash !== undefined && !/^[0-9a-f]{64}$/.test(hash)) {
    throw new RiskError(
      'configuration-invalid',
      `--hash is ${hash}; it is the 64 hexadecimal digits of a policy's SHA-256, as riskledger policy check and explain --json print it.`,
      { retriable: false },
    )
  }
  const live = await inForce(house, context.environment)
  const wanted = hash ?? live.hash
  const policy = await loadPolicy(house, { hash: wanted, environment: context.environment })
  const since = wanted === live.hash ? live.since : null
  if (context.json)
    return context.printJson({ hash: policy.hash, name: policy.policy.name, live: since !== null, since, policy: policy.policy })
  const document = stringify(policy.policy, { lineWidth: 140, flowCollectionPadding: false }).trimEnd()
  if (yaml !== true) {
    context.print(`# policy ${policy.policy.name}, ${policy.hash}`)
    context.print(since === null ? '# not in force' : `# in force since ${since}`)
  }
  context.print(document)
}

async function inForce({ ledger }: House, environment: string): Promise<{ readonly hash: string; readonly since: string }> {
  const stream = screeningStream(0, 0, environment)
  const last = await lastEntry(ledger, stream)
  if (last === null)
    throw new RiskError(
      'not-found',
      `${stream} has no entry yet, so no policy is in force. Run riskledger screen or riskledger up first.`,
      { retriable: false },
    )
  return { hash: last.metadata.policyHash, since: await activeSince(ledger, { stream, revision: last.recorded.revision }) }
}

async function loadPolicy(
  { ledger }: House,
  { hash, environment }: { readonly hash: string; readonly environment: string },
): Promise<AcceptedPolicy> {
  try {
    return await new PolicyShelf(ledger, environment).load(hash)
  } catch (error) {
    if (!(error instanceof RiskError) || error.code !== 'stream-not-found') throw error
    throw new RiskError('not-found', `The ledger holds no policy with the hash ${hash}.`, { retriable: false, cause: error })
  }
}

async function activate(
  file: string,
  { timeoutMs, context }: { readonly timeoutMs: number; readonly context: CommandContext },
): Promise<void> {
  const policy = await loadPolicyFile(file)
  const { dataDir, logLevel, ledger } = context.settings
  const { environment } = context
  const isElsewhere = ledger !== undefined
  if (!isElsewhere) await readDataFolder(dataDir)
  const owner = isElsewhere ? null : ((await readLock(dataDir)) ?? null)
  const engine = await bundleEngine()
  let activations: readonly Activation[]
  if (owner === null && !isElsewhere) {
    assertChallengeSecret(policy.policy, context.challengeSecret)
    const house = await openHouse(houseOf(context, 'riskledger policy activate'))
    try {
      activations = await activateAlone({ house, engine, environment, policy, logLevel })
    } finally {
      await house.close()
    }
  } else {
    const house = await openHouseToRead(houseOf(context, 'riskledger policy activate'))
    try {
      activations = await activateThrough(owner, { house, engine, environment, policy, timeoutMs })
    } finally {
      await house.close()
    }
  }
  tell(context, { policy, activations })
}

function tell(
  context: CommandContext,
  { policy, activations }: { readonly policy: AcceptedPolicy; readonly activations: readonly Activation[] },
): void {
  const already = activations.every((activation) => activation.already)
  if (context.json) return context.printJson({ hash: policy.hash, name: policy.policy.name, already, journals: activations })
  if (already) return context.print(`unchanged   policy ${policy.policy.name}, ${policy.hash}, was in force already`)
  context.print(`in force    policy ${policy.policy.name}, ${policy.hash}`)
  for (const { stream, revision } of activations) context.print(`            ${stream}, at the latest from @${revision} on`)
}

function timeoutOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_TIMEOUT_S * 1000
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text) * 1000
  throw new RiskError('configuration-invalid', `--timeout is ${text}; it is a whole number of seconds from 1 to 99,999.`, {
    retriable: false,
  })
}
