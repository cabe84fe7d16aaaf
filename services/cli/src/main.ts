import { Command, CommanderError, Option } from 'commander'
import { RiskError } from '@riskledger/contracts'
import { addBackup } from './commands/backup'
import { addDevBroker } from './commands/dev-broker'
import { addDispatcher } from './commands/dispatcher'
import { addExplain } from './commands/explain'
import { addExport } from './commands/export'
import { addGateway } from './commands/gateway'
import { addLedger } from './commands/ledger'
import { addPolicy } from './commands/policy'
import { addRelations } from './commands/relations'
import { addQuarantine } from './commands/quarantine'
import { addReplay } from './commands/replay'
import { addScreen } from './commands/screen'
import { addScreener } from './commands/screener'
import { addSimulate } from './commands/simulate'
import { addStatus } from './commands/status'
import { addTopics } from './commands/topics'
import { addUp } from './commands/up'
import { addVerify } from './commands/verify'
import { EXIT, exitCodeOf } from './exit-codes'
import { endQuietlyOnClosedPipe } from './house/closed-pipe'

/** Runs the command line and returns its exit code. Never throws and never prints a stack trace. */
export async function main(argv: readonly string[]): Promise<number> {
  endQuietlyOnClosedPipe()
  const json = asksForJson(argv)
  const program = new Command('riskledger')
    .description('Screens payments, logins and trades, and proves every decision.')
    .version('0.1.0')
    .option('--data-dir <folder>', 'folder of log, ledger and cache (default: .riskledger)')
    .option('--prefix <name>', 'environment prefix of stream and topic names (default: none)')
    .option('--ledger <url>', 'connection string of a ledger to use instead of the embedded one (esdb://host:2113?tls=false)')
    .option('--kafka <brokers>', 'host:port,host:port of the Kafka cluster with the raw topics, instead of the embedded log')
    .option('--kafka-tls <on|off>', 'speak TLS with the brokers (default: on with any option below, else off)')
    .option('--kafka-ca <file>', "PEM file of the authority behind the brokers' certificates")
    .option('--kafka-cert <file>', 'PEM file of a client certificate')
    .option('--kafka-key <file>', 'PEM file of its private key')
    .option('--kafka-sasl <mechanism>', 'plain, scram-sha-256 or scram-sha-512; user and password come from the environment')
    .option('--schema-registry <url>', "registry with the schemas of publishers that use Confluent's framing")
    .option('--json', 'print one JSON object instead of text')
    .addOption(
      new Option('--log-level <level>', 'least severity logged to standard error').choices(['debug', 'info', 'warn', 'error', 'silent']),
    )
    .exitOverride()
    .configureOutput(json ? { writeErr: () => undefined } : {})
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(riskledger --help lists the commands)')
    .addHelpText(
      'after',
      '\nExit codes: 0 done; 1 a failure of the machine or the ledger; 2 wrong use, settings or files; 3 a mismatch or fault was found;\n4 stopped by --strict; 5 the data folder is in use; 130 interrupted.',
    )
  let exitCode: number = EXIT.done
  const finish = (code: number): void => {
    exitCode = code
  }
  for (const add of [
    addUp,
    addScreener,
    addRelations,
    addGateway,
    addDispatcher,
    addLedger,
    addTopics,
    addScreen,
    addSimulate,
    addPolicy,
    addExplain,
    addQuarantine,
    addReplay,
    addVerify,
    addExport,
    addStatus,
    addBackup,
    addDevBroker,
  ])
    add(program, finish)
  try {
    await program.parseAsync([...argv])
    return exitCode
  } catch (error) {
    if (!(error instanceof CommanderError)) return tellError(error, json)
    if (error.exitCode === 0) return EXIT.done
    return json ? tellError(wrongUse(error), json) : EXIT.wrongUse
  }
}

/** Told before anything is parsed, since what is wrong may be what is parsed. */
function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return (end < 0 ? argv : argv.slice(0, end)).includes('--json')
}

/** What the parser says of wrong use, as it was told without --json but on one line. */
function wrongUse({ code, message }: CommanderError): RiskError {
  const told = code === 'commander.help' ? 'no command is named' : message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ')
  return new RiskError('configuration-invalid', `${told} (riskledger --help lists the commands)`, { retriable: false })
}

function tellError(error: unknown, json: boolean): number {
  const code = error instanceof RiskError ? error.code : 'internal'
  const message = error instanceof Error ? error.message : String(error)
  if (json) process.stdout.write(`${JSON.stringify({ error: { code, message } })}\n`)
  process.stderr.write(`${message}\n`)
  if (!(error instanceof RiskError) && error instanceof Error && process.env.RISKLEDGER_DEBUG !== undefined)
    process.stderr.write(`${error.stack}\n`)
  return exitCodeOf(error)
}
