import type { Command } from 'commander'
import { loadConfiguration, type Settings } from '@riskledger/runtime'
import { paceFrom, type WorkerPace } from '@riskledger/screener'
import { unknownVariableText } from '../text/unknown-variable'

/** Ends the command with an exit code. */
export type Finish = (code: number) => void

/** What every command begins with: the settings, and whether to print JSON. */
export interface CommandContext {
  readonly settings: Settings
  readonly json: boolean
  /** True where --data-dir or its variable was given. */
  readonly dataDirGiven: boolean
  readonly environment: string
  readonly challengeSecret: string
  /** See `crashPointFrom`: tests of recovery set it. */
  readonly crashAt: string | undefined
  /** See `paceFrom`. */
  readonly pace: WorkerPace
  print(line: string): void
  printJson(value: unknown): void
}

/** The stated secret of files and the demo: draws made with it prove nothing about secrecy, only that they repeat. */
export const TEST_CHALLENGE_SECRET = 'riskledger test secret, for files and the demo only'

/** Makes the context of a command from its flags and the environment, and tells of variables that mean nothing; throws `configuration-invalid`. */
export function contextOf(command: Command): CommandContext {
  const flags = command.optsWithGlobals<Record<string, unknown>>()
  const { settings, origins, unknownVariables } = loadConfiguration({ flags, environment: process.env })
  for (const variable of unknownVariables) process.stderr.write(`${unknownVariableText(variable)}\n`)
  return {
    settings,
    json: flags.json === true,
    dataDirGiven: origins.dataDir !== 'default',
    environment: settings.prefix === undefined ? '' : `${settings.prefix}-`,
    challengeSecret: process.env.RISKLEDGER_CHALLENGE_SECRET ?? TEST_CHALLENGE_SECRET,
    crashAt: process.env.RISKLEDGER_CRASH_AT,
    pace: paceFrom(process.env),
    print: (line) => process.stdout.write(`${line}\n`),
    printJson: (value) => process.stdout.write(`${JSON.stringify(value)}\n`),
  }
}
