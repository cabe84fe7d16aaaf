import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectLedger } from '@riskledger/ledger'
import { runToEnd } from '../run-riskledger'
import { readBrokerTruth } from './broker-truth'
import { checkJournals, type JournalCheck } from './check-journal'
import { Publisher } from './publisher'
import { ServiceProcess } from './service-process'

/** What a house under chaos is made of. */
export interface ChaosHouseOptions {
  readonly brokers: readonly string[]
  readonly seed: number
  readonly partitionCount: number
  /** Addresses that the services are told, where they differ from those that the checker uses: a proxy stands between. */
  readonly serviceBrokers?: readonly string[]
  /** Given the ledger's port, returns the one that the services are told. */
  readonly proxyLedger?: (port: number) => Promise<number>
}

let houses = 0

/** Ledger, screeners and relations as processes of their own on a real cluster, each of which a test may kill, hold and start again. */
export class ChaosHouse {
  readonly processes: ServiceProcess[] = []
  private readonly folder = mkdtempSync(join(tmpdir(), 'riskledger-chaos-'))
  private screeners = 0
  publisher: Publisher | null = null

  private constructor(
    private readonly options: ChaosHouseOptions,
    /** Environment prefix as `--prefix` takes it. */
    private readonly prefix: string,
    readonly ledgerProcess: ServiceProcess,
    private readonly ledgerUrl: string,
    /** As the services are told. */
    private readonly servedUrl: string,
  ) {
    this.processes.push(ledgerProcess)
  }

  static async open(options: ChaosHouseOptions): Promise<ChaosHouse> {
    const prefix = `c${process.pid.toString(36)}x${(houses++).toString(36)}`
    const folder = mkdtempSync(join(tmpdir(), 'riskledger-chaos-ledger-'))
    // A port of its own choice first, and the same one whenever it is started again.
    const first = new ServiceProcess('ledger', ['ledger', '--data-dir', folder, '--partitions', String(options.partitionCount)])
    const { ledger } = (await first.start().ready) as { ledger: string }
    const port = Number(new URL(ledger.replace('esdb:', 'http:')).port)
    await first.end('SIGTERM')
    const ledgerProcess = new ServiceProcess('ledger', ['ledger', '--data-dir', folder, '--ledger-port', String(port)])
    await ledgerProcess.start().ready
    const servedPort = (await options.proxyLedger?.(port)) ?? port
    const url = (at: number): string => `esdb://127.0.0.1:${at}?tls=false`
    const house = new ChaosHouse(options, prefix, ledgerProcess, url(port), url(servedPort))
    house.folders.push(folder)
    await runToEnd([
      'topics',
      'create',
      '--kafka',
      options.brokers.join(','),
      '--prefix',
      prefix,
      '--partitions',
      String(options.partitionCount),
    ])
    return house
  }

  private readonly folders: string[] = [this.folder]

  /** As topic and stream names carry it. */
  get environment(): string {
    return `${this.prefix}-`
  }

  /** A screener that is not started yet: of a group, or ordered onto partitions by hand. */
  screener(partitions?: string): ServiceProcess {
    const dataDir = join(this.folder, `screener-${this.screeners++}`)
    return this.add('screener', [
      'screener',
      ...this.places(dataDir),
      ...(partitions === undefined ? ['--session-timeout', '6000'] : ['--partitions', partitions]),
    ])
  }

  relations(): ServiceProcess {
    return this.add('relations', ['relations', ...this.places(join(this.folder, 'relations'))])
  }

  /** Begins to publish. */
  async publish(recordsPerSecond: number): Promise<Publisher> {
    const { brokers, seed, partitionCount } = this.options
    this.publisher = await Publisher.start({ brokers, prefix: this.environment, seed, partitionCount, recordsPerSecond })
    return this.publisher
  }

  /**
   * Stops publishing, waits until every record that the cluster holds is in a journal, and holds the journals to what is promised. Fails where that takes
   * longer than `timeoutMs`, with what the processes said.
   */
  async check({ timeoutMs = 90_000 }: { readonly timeoutMs?: number } = {}): Promise<JournalCheck> {
    await this.publisher?.stop()
    const { brokers, partitionCount } = this.options
    const truth = await readBrokerTruth({ brokers, prefix: this.environment, groupId: `${this.environment}checker` })
    const ledger = await connectLedger({ connectionString: this.ledgerUrl })
    const deadlineMs = performance.now() + timeoutMs
    try {
      for (;;) {
        const check = await checkJournals(ledger, { truth, partitionCount, environment: this.environment })
        if (check.missing === 0 || check.faults.length > 0) return check
        if (performance.now() > deadlineMs)
          throw new Error(`${check.missing} records are in no journal after ${timeoutMs} ms. ${this.said()}`)
        await new Promise((resolve) => setTimeout(resolve, 250))
      }
    } finally {
      await ledger.close()
    }
  }

  /** Folds the journals anew and verifies them with the product's own commands: every verdict repeats, and the chain is whole. */
  async expectProven(): Promise<void> {
    const at = ['--ledger', this.ledgerUrl, '--prefix', this.prefix, '--data-dir', join(this.folder, 'reader')]
    expect(await runToEnd<{ mismatches: number }>(['replay', ...at])).toMatchObject({ mismatches: 0 })
    expect(await runToEnd<{ faults: unknown[] }>(['verify', ...at])).toMatchObject({ faults: [] })
  }

  /** What every process wrote to standard error, for a test that fails. */
  said(): string {
    return this.processes.map(({ name, stderr }) => `[${name}] ${stderr.slice(-2_000)}`).join('\n')
  }

  /** Ends everything and removes its folders. */
  async close(): Promise<void> {
    await this.publisher?.stop().catch(() => undefined)
    await Promise.all(this.processes.map((process) => process.end('SIGKILL')))
    for (const folder of this.folders) rmSync(folder, { recursive: true, force: true })
  }

  private places(dataDir: string): readonly string[] {
    const { brokers, serviceBrokers = brokers } = this.options
    return ['--kafka', serviceBrokers.join(','), '--ledger', this.servedUrl, '--prefix', this.prefix, '--data-dir', dataDir]
  }

  private add(name: string, args: readonly string[]): ServiceProcess {
    const process = new ServiceProcess(name, args)
    this.processes.push(process)
    return process
  }
}
