import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startDevBroker } from '@riskledger/dev-broker'
import { createTopics, topicSpecifications, type KafkaConnection } from '@riskledger/kafka'
import { connectLedger } from '@riskledger/ledger'
import { installationRoot, startThread, threadModule } from '@riskledger/runtime'
import type { AppendThreadInput } from './append-thread'
import { decisionLatency, type DecisionLatency } from './kafka-decisions'
import { JournalWatch } from './kafka-journal-watch'
import { peersWork, type PeersWork } from './kafka-peers-work'
import { startLoad, startService, type BenchService } from './kafka-processes'

/** Run from a bundle, as the product is. */
export const runsBundled = true

const APPEND_THREAD = threadModule(__dirname, { source: 'append-thread.ts', bundled: 'append-thread' })
const LOAD_SCRIPT = join(__dirname, 'kafka-load.js')

const PARTITIONS = 2
const DRAIN_EVENTS = 2_000_000
const ACCOUNTS = 200_000
const LIVE_PER_SECOND = 25_000
/** Shorter while something is tried out; the figures that count are of the default. */
const LIVE_SECONDS = Number(process.env.RISKLEDGER_BENCH_LIVE_SECONDS ?? 300)
const WARM_UP_SECONDS = 10
const PAUSE_SECONDS = 60
const DECISIONS = { ratePerSecond: 500, seconds: 30, warmUpSeconds: 5 }
const LONG_MS = 900_000

/** What `npm run bench -- kafka --json` prints. */
export interface KafkaBenchResult {
  readonly peersWork: PeersWork
  /** The same at 200,000 accounts. */
  readonly peersWorkSplit: PeersWork
  readonly drainInputsPerSecond: number
  /** Inputs a second of CPU of screener, relations and ledger server. */
  readonly drainPerCoreSecond: number
  /** Inputs a second that were published live and kept up with; 0 where they were not. */
  readonly liveInputsPerSecond: number
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly p999: number }
  /** Cores that the load generator itself took. */
  readonly loadCores: number
  readonly decisionLatencyMs: DecisionLatency['latencyMs']
  readonly decisionsWithoutVerdict: number
  /** From `kill -9` of the screener to its first new append. */
  readonly recoverySeconds: number
  /** From the end of a pause of 60 s until nothing is behind any more. */
  readonly catchUpSeconds: number
  readonly screenerRssMiB: { readonly atStart: number; readonly atEnd: number }
  readonly lost: number
  readonly duplicated: number
}

/**
 * RiskLedger on a real Kafka broker, all on this machine, the broker included: the peers' work; 2 million mixed events of 200,000 accounts drained; 25,000 a
 * second live for five minutes, timed from the moment at which each was meant to be published to its receipt out of the journal; verdicts over HTTP; recovery from a kill; a pause.
 */
export async function run(options: { readonly input?: string; readonly json: boolean }): Promise<object> {
  const folder = mkdtempSync(join(tmpdir(), 'riskledger-bench-'))
  const say = (name: string, value: unknown): void => {
    if (!options.json) process.stdout.write(`${name.padEnd(26)}${typeof value === 'object' ? JSON.stringify(value) : String(value)}\n`)
  }
  const broker = await startDevBroker({ folder: join(folder, 'kafka'), heapMiB: 512 })
  try {
    const connection = (prefix: string): KafkaConnection => ({ brokers: broker.brokers, clientId: 'bench', prefix })
    const peers = await allPeersWork({ input: options.input, folder, connection, say })
    const screening = await wholeScreening({ folder, connection: connection('bench-'), say })
    return { ...peers, ...screening }
  } finally {
    await broker.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

type Say = (name: string, value: unknown) => void

async function allPeersWork({
  input = resolve(installationRoot(), '../shared/data/card-payments.csv.gz'),
  folder,
  connection,
  say,
}: {
  readonly input: string | undefined
  readonly folder: string
  readonly connection: (prefix: string) => KafkaConnection
  readonly say: Say
}): Promise<object> {
  if (!existsSync(input)) {
    say('peersWork', `skipped: ${input} not present`)
    return { peersWork: { skipped: `${input} not present` } }
  }
  const threadInput: AppendThreadInput = { folder: join(folder, 'peers-ledger') }
  const thread = startThread<{ connectionString: string }>(APPEND_THREAD, { name: 'ledger', input: threadInput })
  const ledger = await connectLedger(await thread.ready)
  try {
    const once = await peersWork({ connection: connection('peers-'), ledger, input, split: 1 })
    say('peersWork', once)
    const split = await peersWork({ connection: connection('peers40-'), ledger, input, split: 40 })
    say('peersWorkSplit', split)
    return { peersWork: once, peersWorkSplit: split }
  } finally {
    await ledger.close()
    await thread.stop()
  }
}

async function wholeScreening({
  folder,
  connection,
  say,
}: {
  readonly folder: string
  readonly connection: KafkaConnection
  readonly say: Say
}): Promise<Omit<KafkaBenchResult, 'peersWork' | 'peersWorkSplit'>> {
  await createTopics({
    connection,
    specifications: topicSpecifications({ prefix: connection.prefix, partitionCount: PARTITIONS, replicationFactor: 1 }),
  })
  const plan = { connection, accounts: ACCOUNTS, partitionCount: PARTITIONS, run: Date.now() % 2 ** 31 }
  let published = 0
  const publish = (count: number, ratePerSecond: number | null): ReturnType<typeof startLoad> => {
    const order = { ...plan, first: published, count, ratePerSecond, fromMs: Date.now() - 3 * 3_600_000 }
    published += count
    return startLoad(order, LOAD_SCRIPT)
  }
  await publish(DRAIN_EVENTS, null).done
  const ledgerProcess = await startService(['ledger', '--data-dir', join(folder, 'ledger'), '--partitions', String(PARTITIONS)])
  const url = ledgerProcess.told.ledger
  const names = ['--kafka', connection.brokers.join(','), '--ledger', url, '--prefix', connection.prefix.slice(0, -1)]
  const screenerArgs = ['screener', ...names, '--partitions', `0-${PARTITIONS - 1}`, '--data-dir', join(folder, 'work')]
  const ledger = await connectLedger({ connectionString: url })
  const watch = new JournalWatch(ledger, { partitionCount: PARTITIONS, environment: connection.prefix })
  const services: BenchService[] = [ledgerProcess]
  const keptUp = (timeoutMs = LONG_MS): Promise<void> => watch.until(() => watch.inputs >= published, timeoutMs)
  try {
    let screener = await startService(screenerArgs)
    const relations = await startService(['relations', ...names, '--data-dir', join(folder, 'work')])
    services.push(screener, relations)
    const cpuSeconds = (): number => [ledgerProcess, screener, relations].reduce((sum, service) => sum + service.cpuSeconds(), 0)

    const cpuBefore = cpuSeconds()
    const inputsBefore = watch.inputs
    const drainBegan = performance.now()
    await keptUp()
    const drained = DRAIN_EVENTS - inputsBefore
    const drainInputsPerSecond = Math.round(drained / ((performance.now() - drainBegan) / 1_000))
    const drainPerCoreSecond = Math.round(drained / (cpuSeconds() - cpuBefore))
    say('drainInputsPerSecond', drainInputsPerSecond)
    say('drainPerCoreSecond', drainPerCoreSecond)

    const atStart = Math.round(screener.rssMiB())
    const live = publish(LIVE_PER_SECOND * (LIVE_SECONDS + WARM_UP_SECONDS), LIVE_PER_SECOND)
    const warm = watch.inputs + LIVE_PER_SECOND * WARM_UP_SECONDS
    await watch.until(() => watch.inputs >= warm, LONG_MS)
    watch.measuring = true
    const report = await live.done
    const behind = published - watch.inputs
    await keptUp()
    watch.measuring = false
    const at = (percentile: number): number => watch.latencyMs.getValueAtPercentile(percentile)
    const latencyMs = { p50: at(50), p99: at(99), p999: at(99.9) }
    // Less than a second behind at the end: it was kept up with.
    const liveInputsPerSecond = behind < LIVE_PER_SECOND ? Math.round(report.published / report.seconds) : 0
    const loadCores = Math.round((report.cpuSeconds / report.seconds) * 100) / 100
    say('liveInputsPerSecond', liveInputsPerSecond)
    say('latencyMs', latencyMs)
    say('loadCores', loadCores)
    const atEnd = Math.round(screener.rssMiB())
    say('screenerRssMiB', { atStart, atEnd })

    const gateway = await startService([
      'gateway',
      ...names,
      '--gateway-port',
      '0',
      '--gateway-auth',
      'off',
      '--data-dir',
      join(folder, 'work'),
    ])
    services.push(gateway)
    const beforeDecisions = watch.inputs
    const decisions = await decisionLatency(gateway.told.url, DECISIONS)
    say('decisionLatencyMs', decisions.latencyMs)
    await gateway.end('SIGTERM')
    // Each is followed by what its caller was told.
    published += watch.inputs - beforeDecisions
    await untilQuiet(watch)
    published = watch.inputs

    const trickle = publish(60_000, 1_000)
    await watch.until(() => watch.inputs > published - 50_000, LONG_MS)
    const killedMs = performance.now()
    await screener.end('SIGKILL')
    const reached = watch.inputs
    const restarted = startService(screenerArgs)
    await watch.until(() => watch.inputs > reached, LONG_MS)
    const recoverySeconds = Math.round((performance.now() - killedMs) / 10) / 100
    say('recoverySeconds', recoverySeconds)
    screener = await restarted
    services.push(screener)
    await trickle.done
    await keptUp()

    const paused = publish((PAUSE_SECONDS + 5) * 5_000, 5_000)
    screener.signal('SIGSTOP')
    await paused.done
    screener.signal('SIGCONT')
    const goesOnMs = performance.now()
    await keptUp()
    const catchUpSeconds = Math.round((performance.now() - goesOnMs) / 100) / 10
    say('catchUpSeconds', catchUpSeconds)

    const { lost, duplicated } = { lost: Math.max(0, published - watch.inputs), duplicated: Math.max(0, watch.inputs - published) }
    say('lost, duplicated', { lost, duplicated })
    return {
      drainInputsPerSecond,
      drainPerCoreSecond,
      liveInputsPerSecond,
      latencyMs,
      loadCores,
      decisionLatencyMs: decisions.latencyMs,
      decisionsWithoutVerdict: decisions.withoutVerdict,
      recoverySeconds,
      catchUpSeconds,
      screenerRssMiB: { atStart, atEnd },
      lost,
      duplicated,
    }
  } finally {
    await watch.close()
    await ledger.close()
    await Promise.all(services.map((service) => service.end('SIGKILL')))
  }
}

/** Resolves once nothing was journaled for a second: what the gateway says of its answers comes a moment after them. */
async function untilQuiet(watch: JournalWatch): Promise<void> {
  for (let before = -1; before !== watch.inputs;) {
    before = watch.inputs
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
}
