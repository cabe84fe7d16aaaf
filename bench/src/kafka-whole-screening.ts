import { createTopics, topicSpecifications, type KafkaConnection } from '@riskledger/kafka'
import { decisionLatency, type DecisionLatency } from './kafka-decisions'
import type { LoadReport } from './kafka-load'
import type { Balance } from './kafka-offset-balance'
import type { BenchService, Load } from './kafka-processes'
import { ScreeningSystem } from './kafka-screening-system'

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

/** From the intended moment of publishing to the journal, in ms. */
interface Latency {
  readonly p50: number
  readonly p99: number
  readonly p999: number
}

/** Figures of the whole screening on a cluster. */
export interface WholeScreening extends Balance {
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
  /** Fallbacks and refusals, which are not in the latency. */
  readonly decisionsWithoutVerdict: number
  /** From `kill -9` of the screener to the first inputs after its successor's `TenureBegan`. */
  readonly recoverySeconds: number
  /** From the end of a pause of 60 s until nothing is behind any more. */
  readonly catchUpSeconds: number
  readonly screenerRssMiB: { readonly atStart: number; readonly atEnd: number }
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
  const system = await ScreeningSystem.open({ connection, folder: options.folder, partitionCount: PARTITIONS, accounts: ACCOUNTS })
  try {
    const bench = new ScreeningBench(system, options)
    const drained = await bench.drain()
    const live = await bench.live()
    const flooded = await bench.flood()
    const decided = await bench.decide()
    const recovered = await bench.recover()
    const caughtUp = await bench.pause()
    return { ...drained, ...live, ...flooded, ...decided, ...recovered, ...caughtUp, ...(await bench.balance()) }
  } finally {
    await system.close()
  }
}

class ScreeningBench {
  private screener!: BenchService

  constructor(
    private readonly system: ScreeningSystem,
    private readonly options: WholeScreeningOptions,
  ) {}

  /** Full topics, drained. */
  async drain(): Promise<Pick<WholeScreening, 'drainInputsPerSecond' | 'drainPerCoreSecond'>> {
    const { system } = this
    await system.publish(DRAIN_EVENTS, null).done
    this.screener = await system.startScreener()
    const measured = [system.ledgerProcess, this.screener, await system.start('relations')]
    const cpuSeconds = (): number => measured.reduce((sum, service) => sum + service.cpuSeconds(), 0)
    const [cpuBefore, inputsBefore, beganMs] = [cpuSeconds(), system.watch.inputs, performance.now()]
    await system.keptUp()
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
    const live = this.system.publish(ratePerSecond * (LIVE_SECONDS + WARM_UP_SECONDS), ratePerSecond)
    const { latencyMs, behind, report } = await this.measured([live], ratePerSecond * WARM_UP_SECONDS)
    return { behind, latencyMs, loadCores: Math.round((report.cpuSeconds / report.seconds) * 100) / 100 }
  }

  /**
   * The latency of all good events from when so many inputs of whichever load are in the journal until all of them are: the slowest come after the loads' end.
   * How many of all are behind at that end; and what the first load tells.
   */
  private async measured(
    loads: readonly Load[],
    warmUpInputs: number,
  ): Promise<{ readonly latencyMs: Latency; readonly behind: number; readonly report: LoadReport }> {
    const { watch } = this.system
    const warm = watch.inputs + warmUpInputs
    await this.system.until(() => watch.inputs >= warm)
    watch.latencyMs.reset()
    watch.measuring = true
    const [report] = await Promise.all(loads.map(({ done }) => done))
    const { behind } = this.system
    await this.system.keptUp()
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
    const bad = badPerSecond === 0 ? [] : [this.system.publish(badPerSecond * seconds, badPerSecond, { cutShort: true })]
    const good = this.system.publish(goodPerSecond * seconds, goodPerSecond)
    const { latencyMs } = await this.measured([good, ...bad], (goodPerSecond + badPerSecond) * warmUpSeconds)
    return latencyMs
  }

  /** Verdicts over HTTP, in the same request. */
  async decide(): Promise<Pick<WholeScreening, 'decisionLatencyMs' | 'decisionsWithoutVerdict'>> {
    const gateway = await this.system.start('gateway', ['--gateway-port', '0', '--gateway-auth', 'off'])
    // Each event is followed by what its caller was told.
    const { latencyMs, withoutVerdict } = await this.system.publishedBy(async () => {
      const decided = await decisionLatency(gateway.told.url, DECISIONS)
      await gateway.end('SIGTERM')
      return decided
    })
    await this.system.keptUp()
    return this.told({ decisionLatencyMs: latencyMs, decisionsWithoutVerdict: withoutVerdict })
  }

  /** From `kill -9` of the screener to the first inputs after the new one took over, with events coming all the while. */
  async recover(): Promise<Pick<WholeScreening, 'recoverySeconds'>> {
    const { system } = this
    const { watch } = system
    const trickle = system.publish(60_000, 1_000)
    const soon = watch.inputs + 5_000
    await system.until(() => watch.inputs > soon)
    const { resumptions } = watch
    const killedMs = performance.now()
    await this.screener.end('SIGKILL')
    const resumed = system.until(() => watch.resumptions > resumptions).then(() => performance.now() - killedMs)
    const [screener, recoveryMs] = await Promise.all([system.startScreener(), resumed])
    this.screener = screener
    await trickle.done
    await system.keptUp()
    return this.told({ recoverySeconds: Math.round(recoveryMs / 10) / 100 })
  }

  /** A screener that is held for a minute, and how long it takes until nothing is behind any more. */
  async pause(): Promise<Pick<WholeScreening, 'catchUpSeconds'>> {
    const paused = this.system.publish(PAUSE_SECONDS * PAUSE_PER_SECOND, PAUSE_PER_SECOND)
    this.screener.signal('SIGSTOP')
    await paused.done
    this.screener.signal('SIGCONT')
    const goesOnMs = performance.now()
    await this.system.keptUp()
    return this.told({ catchUpSeconds: Math.round((performance.now() - goesOnMs) / 100) / 10 })
  }

  /** What is not in the journals and should be, and what is there twice. */
  async balance(): Promise<Balance> {
    return this.told(await this.system.balance())
  }

  private told<Figures extends object>(figures: Figures): Figures {
    for (const [name, value] of Object.entries(figures)) this.options.say(name, value)
    return figures
  }
}
