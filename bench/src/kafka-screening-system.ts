import { join } from 'node:path'
import type { KafkaConnection } from '@riskledger/kafka'
import { connectLedger } from '@riskledger/ledger'
import { JournalWatch } from './kafka-journal-watch'
import type { Balance } from './kafka-offset-balance'
import { BenchProcesses, type BenchService, type Load } from './kafka-processes'
import { topicEnds } from './kafka-topic-ends'

const LOAD_SCRIPT = join(__dirname, 'kafka-load.js')
const LONG_MS = 900_000

/** Where the system is, and how large. */
export interface ScreeningSystemOptions {
  readonly connection: KafkaConnection
  readonly folder: string
  readonly partitionCount: number
  readonly accounts: number
}

/** Ledger server, screeners and what else stands around the journals, as processes of their own; what is published to them, and how far they are with it. */
export class ScreeningSystem {
  /** Records that the raw topics should hold. Grows only. */
  private published = 0
  private readonly run = Date.now() % 2 ** 31

  private constructor(
    private readonly options: ScreeningSystemOptions,
    private readonly processes: BenchProcesses,
    readonly ledgerProcess: BenchService,
    readonly watch: JournalWatch,
    private readonly closeLedger: () => Promise<void>,
  ) {}

  /** Starts the ledger server and follows its journals. The topics are there already. */
  static async open(options: ScreeningSystemOptions): Promise<ScreeningSystem> {
    const { connection, folder, partitionCount } = options
    const processes = new BenchProcesses()
    try {
      const dataDir = join(folder, 'ledger')
      const ledgerProcess = await processes.startService(['ledger', '--data-dir', dataDir, '--partitions', String(partitionCount)])
      const ledger = await connectLedger({ connectionString: ledgerProcess.told.ledger })
      const watch = new JournalWatch(ledger, { partitionCount, environment: connection.prefix })
      return new ScreeningSystem(options, processes, ledgerProcess, watch, () => ledger.close())
    } catch (error) {
      await processes.endAll()
      throw error
    }
  }

  async close(): Promise<void> {
    try {
      await this.watch.close()
      await this.closeLedger()
    } finally {
      await this.processes.endAll()
    }
  }

  /** Starts `riskledger <name>` on the cluster and the ledger. */
  start(name: 'screener' | 'relations' | 'gateway', args: readonly string[] = []): Promise<BenchService> {
    const { connection, folder } = this.options
    const places = ['--kafka', connection.brokers.join(','), '--ledger', this.ledgerProcess.told.ledger]
    const names = ['--prefix', connection.prefix.slice(0, -1), '--data-dir', join(folder, 'work')]
    return this.processes.startService([name, ...places, ...names, ...args])
  }

  /** Starts a screener of all partitions. */
  startScreener(): Promise<BenchService> {
    return this.start('screener', ['--partitions', `0-${this.options.partitionCount - 1}`])
  }

  /** Starts a load of so many events; without a rate as fast as they are taken, dated from three hours ago on. */
  publish(count: number, ratePerSecond: number | null, { cutShort = false } = {}): Load {
    const first = this.published
    this.published += count
    const { connection, accounts, partitionCount } = this.options
    const plan = { connection, run: this.run, accounts, partitionCount, cutShort }
    return this.processes.startLoad({ ...plan, first, count, ratePerSecond, fromMs: Date.now() - 3 * 3_600_000 }, LOAD_SCRIPT)
  }

  /** Does what publishes through others than loads, and counts as published what came to the topics until it is done. */
  async publishedBy<Result>(work: () => Promise<Result>): Promise<Result> {
    const before = await this.recordsInTopics()
    const result = await work()
    this.published += (await this.recordsInTopics()) - before
    return result
  }

  /** Records that were published, or are about to be, and are in no journal yet. */
  get behind(): number {
    return this.published - this.watch.inputs
  }

  /** Resolves once `holds`, asked after each batch; rejects after a quarter of an hour. */
  until(holds: () => boolean): Promise<void> {
    return this.watch.until(holds, LONG_MS)
  }

  /** Resolves once nothing is behind. */
  keptUp(): Promise<void> {
    return this.until(() => this.behind <= 0)
  }

  /** What was published and is in no journal, and what is in one, or in the topics, twice. */
  async balance(): Promise<Balance> {
    const { published } = this
    return this.watch.balance({ ends: await this.ends(), published })
  }

  private async recordsInTopics(): Promise<number> {
    return (await this.ends()).flat().reduce((sum, end) => sum + end, 0)
  }

  private ends(): Promise<readonly (readonly number[])[]> {
    return topicEnds(this.options.connection, this.options.partitionCount)
  }
}
