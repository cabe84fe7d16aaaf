import { InvalidArgumentError, type Command } from 'commander'
import { RiskError } from '@riskledger/contracts'
import { createLogger, loadThread, type LoadingThread } from '@riskledger/runtime'
import {
  assertChallengeSecret,
  SCREENER_THREAD,
  type Assignment,
  type ScreenerMessage,
  type ScreenerReady,
  type ScreenerRequest,
} from '@riskledger/screener'
import { bundleEngine } from '../house/engine'
import type { House } from '../house/open-house'
import { followPolicyRequests, policyRequestsEnd } from '../house/follow-policy-requests'
import { rawTopicDifferences, warnOfLosingTopics } from '../house/losing-topics'
import { runService, threadReady, threadService, type RunningService } from '../house/service-session'
import { screenerInput, storeArtifacts } from '../house/thread-inputs'
import { contextFrom, type CommandContext, type Finish } from './command-context'
import { DEFAULT_POLICY_FILE, loadPolicyFile } from './load-policy'

/** Consumer group of screeners that are not ordered onto partitions by hand, after the environment prefix. */
const DEFAULT_GROUP = 'riskledger-screener'

interface ScreenerFlags {
  readonly partitions?: string | undefined
  readonly group?: string | undefined
  readonly sessionTimeout?: number | undefined
}

/** `riskledger screener`: screens partitions of a Kafka cluster into a ledger, alone or as one of several. */
export function addScreener(program: Command, finish: Finish): void {
  program
    .command('screener')
    .description('screen partitions of a Kafka cluster into a ledger: those that its consumer group gives it, or those named')
    .option('--partitions <list>', 'work these partitions, such as 0-3 or 0,2,5, outside of any group: nothing is ever rebalanced')
    .option('--group <id>', `consumer group that shares the partitions (default ${DEFAULT_GROUP}, with the prefix)`)
    .option(
      '--session-timeout <ms>',
      'a member of the group that is not heard for this long is out (default 10000; 6000 to 300000)',
      milliseconds,
    )
    .option('--policy <file>', 'policy to put into force (default where a journal has none yet: the one that ships)')
    .option('--health-port <port>', 'serve /health/live, /health/ready and /metrics there (default: nowhere)')
    .option('--health-host <address>', 'address that the health port listens on (default 127.0.0.1)')
    .action(async (_flags: ScreenerFlags, command: Command) => {
      const { partitions, group, sessionTimeout, ...flags } = command.optsWithGlobals<ScreenerFlags>()
      if (partitions !== undefined && group !== undefined)
        throw new RiskError(
          'configuration-invalid',
          '--partitions works outside of any group: leave out one of --partitions and --group.',
          {
            retriable: false,
          },
        )
      const context = contextFrom({ ...flags })
      // The thread takes as long to load as the house does to open.
      const loading = loadThread<ScreenerReady>(SCREENER_THREAD, 'screener')
      const start = (house: House, signal: AbortSignal): Promise<RunningService> =>
        startScreener(context, { loading, house, signal, assignment: assignmentOf({ partitions, group, sessionTimeout }, house) })
      try {
        finish(await runService({ context, name: 'screener', needsKafka: true, start }))
      } finally {
        await loading.end()
      }
    })
}

async function startScreener(
  context: CommandContext,
  {
    loading,
    house,
    signal,
    assignment,
  }: {
    readonly loading: LoadingThread<ScreenerReady>
    readonly house: House
    readonly signal: AbortSignal
    readonly assignment: Assignment
  },
): Promise<RunningService> {
  const { policy: policyFile, logLevel } = context.settings
  const { environment } = context
  const policy = policyFile === undefined ? null : await loadPolicyFile(policyFile)
  const parts = {
    ...context,
    house,
    engine: await bundleEngine(),
    policy,
    firstPolicy: await loadPolicyFile(DEFAULT_POLICY_FILE),
    logLevel,
    tells: 'assignments' as const,
  }
  await storeArtifacts(parts)
  // What is asked for while the thread starts is followed, too.
  const after = await policyRequestsEnd(house.ledger, environment)
  const thread = loading.begin(screenerInput(parts, assignment), (message) => tell(context, message as ScreenerMessage))
  const { kafka } = context
  // Beside the start: a cluster that is slow to tell, or tells nothing of settings, holds nobody up.
  if (kafka !== null) void warnOfLosingTopics(() => rawTopicDifferences(kafka), createLogger({ name: 'topics', level: logLevel }))
  await threadReady(thread, signal)
  const ending = new AbortController()
  const following = followPolicyRequests({
    ledger: house.ledger,
    environment,
    after,
    signal: ending.signal,
    activate: ({ policy, canonicalBytes }) => {
      assertChallengeSecret(policy, context.challengeSecret)
      thread.post({ kind: 'activate', policy: canonicalBytes } satisfies ScreenerRequest)
    },
    onRefused: (message) => process.stderr.write(`${message}\n`),
    logger: createLogger({ name: 'policy', level: logLevel }),
  })
  const service = threadService(thread, { name: 'screener', says: saysOf(assignment, house) })
  const failed = Promise.race([service.failed, following.then(() => new Promise<never>(() => undefined))])
  failed.catch(() => undefined)
  return {
    ...service,
    failed,
    stop: async () => {
      ending.abort()
      await Promise.allSettled([following])
      await thread.stop()
    },
  }
}

function tell(context: CommandContext, message: ScreenerMessage): void {
  if (message.kind !== 'assigned') return
  const partitions = message.partitions.map(({ partition }) => partition).sort((a, b) => a - b)
  if (context.json) context.printJson({ assigned: partitions })
  else context.print(partitions.length === 0 ? 'No partition is assigned here now.' : `Works partitions ${partitions.join(', ')}.`)
}

function saysOf(assignment: Assignment, house: House): string {
  const whole = `${house.folder.partitions} partition${house.folder.partitions === 1 ? '' : 's'}`
  if (assignment.kind === 'group')
    return `Screener in group ${assignment.groupId}, which shares ${whole}; ledger ${house.connectionString}.`
  return `Screener of partitions ${assignment.partitions.join(', ')} of ${whole}; ledger ${house.connectionString}.`
}

function assignmentOf({ partitions, group = DEFAULT_GROUP, sessionTimeout }: ScreenerFlags, house: House): Assignment {
  if (partitions === undefined) return { kind: 'group', groupId: group, sessionTimeoutMs: sessionTimeout }
  return { kind: 'fixed', partitions: parsePartitions(partitions, house.folder.partitions) }
}

function milliseconds(text: string): number {
  const value = Number(text)
  if (/^\d{4,6}$/.test(text) && value >= 6_000 && value <= 300_000) return value
  throw new InvalidArgumentError('It must be a whole number from 6000 to 300000.')
}

/**
 * The partitions that a list such as `0-3` or `0,2,5-7` names, in rising order, each once. Throws `configuration-invalid` for anything else, and for a
 * partition that there is not among `partitionCount`.
 */
export function parsePartitions(list: string, partitionCount: number): readonly number[] {
  const named = new Set<number>()
  for (const part of list.split(',')) {
    const [, first, last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part.trim()) ?? []
    if (first === undefined || Number(first) > Number(last)) throw wrongList(list, 'it is a list such as 0-3 or 0,2,5')
    if (Number(last) >= partitionCount) throw wrongList(list, `the topics have partitions 0 to ${partitionCount - 1}`)
    for (let partition = Number(first); partition <= Number(last); partition++) named.add(partition)
  }
  return [...named].sort((a, b) => a - b)
}

function wrongList(list: string, reason: string): RiskError {
  return new RiskError('configuration-invalid', `--partitions is ${JSON.stringify(list)}; ${reason}.`, { retriable: false })
}
