import { InvalidArgumentError, type Command } from 'commander'
import { RiskError } from '@riskledger/contracts'
import { screeningStream } from '@riskledger/journal'
import { withoutUserInfo } from '@riskledger/runtime'
import { playDemo } from '../demo/play-demo'
import { activePolicy } from '../house/active-policy'
import type { House } from '../house/open-house'
import type { ScreeningRun } from '../house/screening-run'
import { unfinishedImports } from '../house/unfinished-imports'
import { UpSession } from '../house/up-session'
import { decisionLine } from '../text/decision-line'
import { grouped } from '../text/numbers'
import { contextOf, type CommandContext, type Finish } from './command-context'
import { addGatewayOptions } from './gateway-options'
import { DEFAULT_POLICY_FILE, loadPolicyFile } from './load-policy'

interface UpFlags {
  readonly demo?: boolean
  readonly once?: boolean
  readonly seed?: number
  readonly accounts?: number
  readonly days?: number
}

/** `riskledger up`: every part in one process; with `--demo` a generated scenario is played. */
export function addUp(program: Command, finish: Finish): void {
  const up = program
    .command('up')
    .description('run every part in one process on the data folder, until Ctrl-C')
    .option('--demo', 'play a generated scenario: days of habit, then one of trouble (in .riskledger/demo, made anew at each start)')
    .option('--once', 'exit once everything in the log is screened')
    .option('--policy <file>', 'policy to put into force (default for a new folder: the one that ships)')
    .option('--partitions <n>', 'partitions of a new data folder (default 1)')
    .option('--ledger-port <port>', 'port of the embedded ledger on 127.0.0.1 (default: any free one)')
    .option('--seed <n>', 'with --demo: the same seed plays the same scenario (default 7)', wholeNumber)
    .option('--accounts <n>', 'with --demo: accounts (default 500)', wholeNumber)
    .option('--days <n>', 'with --demo: days of habit before the day of trouble (default 30)', wholeNumber)
    .action(async ({ demo, once = false, ...scenario }: UpFlags, command: Command) => {
      const context = contextOf(command)
      const version = command.parent?.version() ?? ''
      if (demo === true) return finish(await playDemo({ context, once, version, scenario: demoScenario(scenario) }))
      refuseDemoFlags(scenario)
      finish(await serve({ context, once, version }))
    })
  addGatewayOptions(up)
}

/** Screens what the log still holds, then stays up. */
async function serve({
  context,
  once,
  version,
}: {
  readonly context: CommandContext
  readonly once: boolean
  readonly version: string
}): Promise<number> {
  const { dataDir, policy: policyFile } = context.settings
  const policy = policyFile === undefined ? null : await loadPolicyFile(policyFile)
  const firstPolicy = await loadPolicyFile(DEFAULT_POLICY_FILE)
  const session = new UpSession({ context, dataDir, command: 'riskledger up', once, version })
  try {
    const house = await session.open()
    try {
      await tellUnfinished(house, { shownDir: session.shownDir, once })
      return await session.run({
        house,
        policy,
        firstPolicy,
        files: [],
        onStarted: (run) => tellParts(run, { house, session, environment: context.environment }),
        onDecisions: (decisions) => {
          if (!context.json) for (const decision of decisions) session.say(decisionLine(decision, null))
        },
        onProgress: ({ inputs }) => session.bar.update(inputs, 0),
        onDrained: async (run) => {
          const inputs = Math.max(run.inputs(), run.inputsBefore)
          const connectionString = withoutUserInfo(house.connectionString)
          const { gatewayUrl } = session
          const taken = inputs - run.inputsBefore
          if (context.json) context.printJson({ inputs, taken, connectionString, gatewayUrl, dataDir: house.dataDir })
          else session.say(`All ${grouped(inputs)} inputs in the log are in the ledger.`)
          await Promise.resolve()
        },
        onInterrupted: () => process.stderr.write('Stopped. Start it again to go on where it stopped.\n'),
      })
    } finally {
      await house.close()
    }
  } finally {
    await session.dispose()
  }
}

async function tellParts(
  run: ScreeningRun,
  { house, session, environment }: { readonly house: House; readonly session: UpSession; readonly environment: string },
): Promise<void> {
  const policy = await activePolicy(house.ledger, { stream: screeningStream(0, 0, environment), which: 'last', environment })
  const { partitions } = house.folder
  session.say(session.header(house, policy))
  session.say('  ledger      serving')
  session.say(
    `  screener    ${partitions === 1 ? '1 partition' : `${partitions} partitions`}, ${grouped(run.inputsBefore)} inputs in the ledger so far`,
  )
  session.say('  relations   following the journals\n')
}

/** An import that did not end holds back what comes after it: with `--once` there would be no end to wait for. */
async function tellUnfinished(house: House, options: { readonly shownDir: string; readonly once: boolean }): Promise<void> {
  const events = await unfinishedImports(house)
  if (events === 0) return
  const message = `An import into ${options.shownDir} stopped after ${grouped(events)} events, and what follows waits for the rest of it. Run the same riskledger screen command again: it goes on there.`
  if (options.once) throw new RiskError('file-unreadable', message, { retriable: false })
  process.stderr.write(`${message}\n`)
}

function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number.')
}

function demoScenario({ seed, accounts, days }: UpFlags): { readonly seed?: number; readonly accounts?: number; readonly days?: number } {
  return {
    ...(seed === undefined ? {} : { seed }),
    ...(accounts === undefined ? {} : { accounts }),
    ...(days === undefined ? {} : { days }),
  }
}

function refuseDemoFlags(flags: UpFlags): void {
  const given = (['seed', 'accounts', 'days'] as const).find((name) => flags[name] !== undefined)
  if (given !== undefined)
    throw new RiskError('configuration-invalid', `--${given} belongs to the demo: add --demo, or leave it out.`, { retriable: false })
}
