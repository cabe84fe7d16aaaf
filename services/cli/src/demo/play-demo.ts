import type { ScenarioOptions } from '@riskledger/simulation'
import type { CommandContext } from '../commands/command-context'
import { DEFAULT_POLICY_FILE, loadPolicyFile } from '../commands/load-policy'
import { UpSession } from '../house/up-session'
import { grouped } from '../text/numbers'
import { clearDemoFolder, DEMO_FOLDER, markDemoFolder } from './demo-folder'
import { planDemo, writeDemoScenario } from './demo-scenario'
import { DemoShow } from './demo-show'

/** What is played, and how it ends. */
export interface DemoOptions {
  readonly context: CommandContext
  readonly once: boolean
  readonly version: string
  readonly scenario: ScenarioOptions
}

/** `riskledger up --demo`: plays a generated scenario through the same parts as any file, shows what is decided, and sums it up. */
export async function playDemo({ context, once, version, scenario }: DemoOptions): Promise<number> {
  planDemo(scenario)
  const dataDir = context.dataDirGiven ? context.settings.dataDir : DEMO_FOLDER
  const command = 'riskledger up --demo'
  const session = new UpSession({ context, dataDir, command, once, version })
  try {
    const policy = await loadPolicyFile(context.settings.policy ?? DEFAULT_POLICY_FILE)
    await clearDemoFolder(dataDir, { command, named: context.dataDirGiven })
    const house = await session.open()
    try {
      await markDemoFolder(dataDir, scenario)
      session.say(`${session.header(house, policy)}\nPreparing the scenario …`)
      const written = await writeDemoScenario(dataDir, scenario)
      const { days, accounts, seed } = written.plan
      session.say(
        `Playing ${grouped(days)} days of habit and one day of trouble: ${grouped(accounts)} accounts, ${grouped(written.items)} events, seed ${seed}.   Ctrl-C stops.\n`,
      )
      const show = new DemoShow(written, { output: context, bar: session.bar })
      return await session.run({
        house,
        policy,
        files: [written.file],
        onDecisions: (decisions) => show.onDecisions(decisions),
        onProgress: ({ inputs }) => show.onProgress(inputs),
        onDrained: async (run) => {
          await show.finish({ run, house, environment: context.environment, shownDir: session.shownDir })
        },
        onInterrupted: () =>
          process.stderr.write(
            `Stopped in the middle. What was decided so far can be looked at: npx riskledger --data-dir ${session.shownDir} replay. The next start plays from the beginning.\n`,
          ),
      })
    } finally {
      await house.close()
    }
  } finally {
    await session.dispose()
  }
}
