import type { Command } from 'commander'
import { loadConfiguration, type HealthAddress, type Settings } from '@riskledger/runtime'
import type { KafkaConnection, SchemaRegistryOptions } from '@riskledger/kafka'
import { paceFrom, TEST_CHALLENGE_SECRET, type WorkerPace } from '@riskledger/screener'
import { kafkaConnectionOf, schemaRegistryOf } from '../house/kafka-connection'
import type { HouseOptions } from '../house/open-house'
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
  /** Where a service that runs alone tells of its health; null without --health-port. */
  readonly health: HealthAddress | null
  /** The cluster that --kafka names, with how to get into it; null without. */
  readonly kafka: KafkaConnection | null
  /** The registry that --schema-registry names; null without. */
  readonly schemaRegistry: SchemaRegistryOptions | null
  print(line: string): void
  printJson(value: unknown): void
}

/** Where the house of a command stands; `command` as the user typed it. */
export function houseOf({ settings, environment, kafka, schemaRegistry, crashAt }: CommandContext, command: string): HouseOptions {
  const { dataDir, partitions, ledger = null, ledgerPort } = settings
  return { dataDir, command, environment, partitions, kafka, schemaRegistry, ledgerUrl: ledger, ledgerPort, crashAt }
}

/** Makes the context of a command from its flags and the environment, and tells of variables that mean nothing; throws `configuration-invalid`. */
export function contextOf(command: Command): CommandContext {
  return contextFrom(command.optsWithGlobals<Record<string, unknown>>())
}

/** As `contextOf`, of flags of which the command has taken its own. */
export function contextFrom(flags: Readonly<Record<string, unknown>>): CommandContext {
  const { settings, origins, unknownVariables } = loadConfiguration({ flags, environment: process.env })
  for (const variable of unknownVariables) process.stderr.write(`${unknownVariableText(variable)}\n`)
  const environment = settings.prefix === undefined ? '' : `${settings.prefix}-`
  return {
    settings,
    json: flags.json === true,
    dataDirGiven: origins.dataDir !== 'default',
    environment,
    health: settings.healthPort === undefined ? null : { host: settings.healthHost, port: settings.healthPort },
    kafka: kafkaConnectionOf(settings, { environment, variables: process.env }),
    schemaRegistry: schemaRegistryOf(settings, { variables: process.env }),
    challengeSecret: process.env.RISKLEDGER_CHALLENGE_SECRET ?? TEST_CHALLENGE_SECRET,
    crashAt: process.env.RISKLEDGER_CRASH_AT,
    pace: paceFrom(process.env),
    print: (line) => process.stdout.write(`${line}\n`),
    printJson: (value) => process.stdout.write(`${JSON.stringify(value)}\n`),
  }
}
