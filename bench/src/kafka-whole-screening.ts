import { join } from 'node:path'
import { createTopics, topicSpecifications, type KafkaConnection } from '@riskledger/kafka'
import { connectLedger } from '@riskledger/ledger'
import { decisionLatency, type DecisionLatency } from './kafka-decisions'
import type { LoadReport } from './kafka-load'
import { JournalWatch } from './kafka-journal-watch'
import { startLoad, startService, type BenchService, type Load } from './kafka-processes'

const LOAD_SCRIPT = join(__dirname, 'kafka-load.js')
const PARTITIONS = 2
const DRAIN_EVENTS = 2_000_000
const ACCOUNTS = 200_000
/** Tried one after the other until one is kept up with: the first is what is wanted. */
const LIVE_PER_SECOND = [25_000, 10_000, 5_000, 2_500]
/** Shorter while something is tried out; the figures that count are of the default. */
const LIVE_SECONDS = Number(process.env.RISKLEDGER_BENCH_LIVE_SECONDS ?? 300)
const WARM_UP_SECONDS = 10
/** Good events beside as many bad ones as the flood has, and without them. */
const FLOOD = { goodPerSecond: 2_500, badPerSecond: 5_000, seconds: 20, warmUpSeconds: 5 }
const PAUSE_SECONDS = 60
const PAUSE_PER_SECOND = 5_000
const DECISIONS = { ratePerSecond: 500, seconds: 30, warmUpSeconds: 20 }
const LONG_MS = 900_000

/** From the intended moment of publishing to the journal, in ms. */
interface Latency {
  readonly p50: number
  readonly p99: number
  readonly p999: number
}

/** Figures of the whole screening on a cluster. */
export interface WholeScreening {
  readonly drainInputsPerSecond: number
  /** Inputs a second of CPU of screener, relations and ledger server. */
  readonly drainPerCoreSecond: number
  /** Inputs a second that were published live and kept up with. */
  readonly liveInputsPerSecond: number
  readonly latencyMs: Latency
  /** Of 2,500 good events a second, without and with a flood of 5,000 bad ones beside them. */
  readonly floodLatencyMs: { readonly without: Latency; readonly with: Latency }
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

/** Where it is done, and who hears of each figure as it comes. */
export interface WholeScreeningOptions {
  readonly folder: string
  readonly say: (name: string, value: unknown) => void
}

/** Screener, relations and ledger server as processes of their own on a cluster whose topics hold two million events, and what they make of it. */
export async function wholeScreening(connection: KafkaConnection, options: WholeScreeningOptions): Promise<WholeScreening> {
  const specifications = topicSpecifications({ prefix: connection.prefix, partitionCount: PARTITIONS, replicationFactor: 1 })
  await createTopics({ connection, specifications })
  const bench = await ScreeningBench.open(connection, options)
  try {
    const drained = await bench.drain()
    const live = await bench.live()
    const flooded = await bench.flood()
    const decided = await bench.decide()
    const recovered = await bench.recover()
    const caughtUp = await bench.pause()
    return { ...drained, ...live, ...flooded, ...decided, ...recovered, ...caughtUp, ...bench.balance() }
  } finally {
    await bench.close()
  }
}

class ScreeningBench {
  private published = 0
  private readonly run = Date.now() % 2 ** 31
  private readonly services: BenchService[] = []
  private screener!: BenchService

  private constructor(
    private readonly connection: KafkaConnection,
    private readonly options: WholeScreeningOptions,
    private readonly ledgerProcess: BenchService,
    private readonly watch: JournalWatch,
    private readonly closeLedger: () => Promise<void>,
  ) {
    this.services.push(ledgerProcess)
  }

  static async open(connection: KafkaConnection, options: WholeScreeningOptions): Promise<ScreeningBench> {
    const { folder } = options
    const ledgerProcess = await startService(['ledger', '--data-dir', join(folder, 'ledger'), '--partitions', String(PARTITIONS)])
    const ledger = await connectLedger({ connectionString: ledgerProcess.told.ledger })
    const watch = new JournalWatch(ledger, { partitionCount: PARTITIONS, environment: connection.prefix })
    return new ScreeningBench(connection, options, ledgerProcess, watch, () => ledger.close())
  }

  /** Full topics, drained. */
  async drain(): Promise<Pick<WholeScreening, 'drainInputsPerSecond' | 'drainPerCoreSecond'>> {
    await this.publish(DRAIN_EVENTS, null).done
    this.screener = await this.startScreener()
    const relations = await startService(['relations', ...this.names()])
    this.services.push(relations)
    const cpuSeconds = (): number => [this.ledgerProcess, this.screener, relations].reduce((sum, service) => sum + service.cpuSeconds(), 0)
    const [cpuBefore, inputsBefore, beganMs] = [cpuSeconds(), this.watch.inputs, performance.now()]
    await this.keptUp()
    const drained = DRAIN_EVENTS - inputsBefore
    return this.told({
      drainInputsPerSecond: Math.round(drained / ((performance.now() - beganMs) / 1_000)),
      drainPerCoreSecond: Math.round(drained / (cpuSeconds() - cpuBefore)),
    })
  }

  /** Published at a steady rate: the highest of those tried that is kept up with, so that less than a second of it is behind at the end. */
  async live(): Promise<Pick<WholeScreening, 'liveInputsPerSecond' | 'latencyMs' | 'loadCores' | 'screenerRssMiB'>> {
    const atStart = Math.round(this.screener.rssMiB())
    for (const ratePerSecond of LIVE_PER_SECOND) {
      const { behind, ...figures } = await this.liveAt(ratePerSecond)
      await this.keptUp()
      if (behind < ratePerSecond) {
        return this.told({
          liveInputsPerSecond: ratePerSecond,
          ...figures,
          screenerRssMiB: { atStart, atEnd: Math.round(this.screener.rssMiB()) },
        })
      }
      this.options.say('not kept up with', { ratePerSecond, behind, ...figures })
    }
    throw new Error(`not even ${LIVE_PER_SECOND.at(-1)} inputs a second were kept up with`)
  }

  private async liveAt(ratePerSecond: number): Promise<{ readonly behind: number } & Pick<WholeScreening, 'latencyMs' | 'loadCores'>> {
    const live = this.publish(ratePerSecond * (LIVE_SECONDS + WARM_UP_SECONDS), ratePerSecond)
    const { latencyMs, behind, report } = await this.measured(live, ratePerSecond * WARM_UP_SECONDS)
    return { behind, latencyMs, loadCores: Math.round((report.cpuSeconds / report.seconds) * 100) / 100 }
  }

  /** A load's good events, once so many inputs of whichever load are in the journal; and how many of all are behind at its end. */
  private async measured(
    load: Load,
    warmUpInputs: number,
  ): Promise<{ readonly latencyMs: Latency; readonly behind: number; readonly report: LoadReport }> {
    const { watch } = this
    const warm = watch.inputs + warmUpInputs
    await watch.until(() => watch.inputs >= warm, LONG_MS)
    watch.latencyMs.reset()
    watch.measuring = true
    const report = await load.done
    const behind = this.published - watch.inputs
    watch.measuring = false
    const at = (percentile: number): number => watch.latencyMs.getValueAtPercentile(percentile)
    return { latencyMs: { p50: at(50), p99: at(99), p999: at(99.9) }, behind, report }
  }

  /** What a flood of bad records does to the good ones beside it. */
  async flood(): Promise<Pick<WholeScreening, 'floodLatencyMs'>> {
    return this.told({ floodLatencyMs: { without: await this.goodBeside(0), with: await this.goodBeside(FLOOD.badPerSecond) } })
  }

  private async goodBeside(badPerSecond: number): Promise<Latency> {
    const { goodPerSecond, warmUpSeconds } = FLOOD
    const seconds = warmUpSeconds + FLOOD.seconds
    const bad = badPerSecond === 0 ? null : this.publish(badPerSecond * seconds, badPerSecond, { cutShort: true })
    const good = this.publish(goodPerSecond * seconds, goodPerSecond)
    const { latencyMs } = await this.measured(good, (goodPerSecond + badPerSecond) * warmUpSeconds)
    await bad?.done
    await this.keptUp()
    return latencyMs
  }

  /** Verdicts over HTTP, in the same request. */
  async decide(): Promise<Pick<WholeScreening, 'decisionLatencyMs' | 'decisionsWithoutVerdict'>> {
    const gateway = await startService(['gateway', ...this.names(), '--gateway-port', '0', '--gateway-auth', 'off'])
    this.services.push(gateway)
    const { latencyMs, withoutVerdict } = await decisionLatency(gateway.told.url, DECISIONS)
    await gateway.end('SIGTERM')
    await this.untilQuiet()
    // Each event is followed by what its caller was told.
    this.published = this.watch.inputs
    return this.told({ decisionLatencyMs: latencyMs, decisionsWithoutVerdict: withoutVerdict })
  }

  /** From `kill -9` of the screener to its first new append, with events coming all the while. */
  async recover(): Promise<Pick<WholeScreening, 'recoverySeconds'>> {
    const { watch } = this
    const trickle = this.publish(60_000, 1_000)
    const soon = watch.inputs + 5_000
    await watch.until(() => watch.inputs > soon, LONG_MS)
    const killedMs = performance.now()
    await this.screener.end('SIGKILL')
    const reached = watch.inputs
    const restarted = this.startScreener()
    await watch.until(() => watch.inputs > reached, LONG_MS)
    const recoverySeconds = Math.round((performance.now() - killedMs) / 10) / 100
    this.screener = await restarted
    await trickle.done
    await this.keptUp()
    return this.told({ recoverySeconds })
  }

  /** A screener that is held for a minute, and how long it takes until nothing is behind any more. */
  async pause(): Promise<Pick<WholeScreening, 'catchUpSeconds'>> {
    const paused = this.publish(PAUSE_SECONDS * PAUSE_PER_SECOND, PAUSE_PER_SECOND)
    this.screener.signal('SIGSTOP')
    await paused.done
    this.screener.signal('SIGCONT')
    const goesOnMs = performance.now()
    await this.keptUp()
    return this.told({ catchUpSeconds: Math.round((performance.now() - goesOnMs) / 100) / 10 })
  }

  /** What was published and is in no journal, and what is in one twice. */
  balance(): Pick<WholeScreening, 'lost' | 'duplicated'> {
    const { inputs } = this.watch
    return this.told({ lost: Math.max(0, this.published - inputs), duplicated: Math.max(0, inputs - this.published) })
  }

  async close(): Promise<void> {
    await this.watch.close()
    await this.closeLedger()
    await Promise.all(this.services.map((service) => service.end('SIGKILL')))
  }

  private names(): readonly string[] {
    const { brokers, prefix } = this.connection
    const work = join(this.options.folder, 'work')
    return ['--kafka', brokers.join(','), '--ledger', this.ledgerProcess.told.ledger, '--prefix', prefix.slice(0, -1), '--data-dir', work]
  }

  private async startScreener(): Promise<BenchService> {
    const screener = await startService(['screener', ...this.names(), '--partitions', `0-${PARTITIONS - 1}`])
    this.services.push(screener)
    return screener
  }

  private publish(count: number, ratePerSecond: number | null, { cutShort = false } = {}): Load {
    const first = this.published
    this.published += count
    const { connection, run } = this
    const plan = { connection, run, accounts: ACCOUNTS, partitionCount: PARTITIONS, cutShort }
    return startLoad({ ...plan, first, count, ratePerSecond, fromMs: Date.now() - 3 * 3_600_000 }, LOAD_SCRIPT)
  }

  private keptUp(): Promise<void> {
    return this.watch.until(() => this.watch.inputs >= this.published, LONG_MS)
  }

  /** Resolves once nothing was journaled for a second. */
  private async untilQuiet(): Promise<void> {
    for (let before = -1; before !== this.watch.inputs;) {
      before = this.watch.inputs
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
  }

  private told<Figures extends object>(figures: Figures): Figures {
    for (const [name, value] of Object.entries(figures)) this.options.say(name, value)
    return figures
  }
}
