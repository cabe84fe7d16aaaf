import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '@riskledger/dev-broker'
import { FaultProxy } from '@riskledger/testing'
import { runToEnd } from '../run-riskledger'
import { GatewaySender } from './gateway-sender'
import { KafkaSender } from './kafka-sender'
import { Publisher, type Receipt } from './publisher'
import { scenarioEvents, scenarioRecords } from './scenario-records'
import { ServiceProcess } from './service-process'

/** Flags of a screener that joins the group: it notices sooner than by default that another is gone. */
const GROUPED = ['--session-timeout', '6000']

/** What a house under chaos is made of. */
export interface ChaosHouseOptions {
  readonly brokers: readonly string[]
  readonly seed: number
  readonly partitionCount: number
  /** Screeners to begin with: lists of partitions that they are ordered onto by hand, or how many share them in a group. */
  readonly screeners: readonly string[] | number
  /** Addresses that the services are told, where they differ from those of the checker and the publishers: a proxy stands between. */
  readonly serviceBrokers?: readonly string[]
  /** Copies of each partition; default 1. */
  readonly replication?: number
  /** Records a second of the publisher to the cluster; a third as many go through the gateway besides. */
  readonly recordsPerSecond: number
}

/**
 * Ledger, screeners, relations, gateway and dispatcher as processes of their own on a real cluster, with publishers that keep them at work. A proxy stands
 * before the ledger. Each process may be killed, held and started again.
 */
export class ChaosHouse {
  readonly screeners: ServiceProcess[] = []
  readonly ledger: ServiceProcess
  readonly relations: ServiceProcess
  readonly gateway: ServiceProcess
  readonly dispatcher: ServiceProcess
  /** Every one that there ever was. */
  readonly processes: ServiceProcess[] = []
  readonly toKafka: Publisher
  readonly toGateway: Publisher
  private dataDirs = 0
  /** Proxies between one screener and the ledger. */
  private readonly ownProxies: FaultProxy[] = []

  private constructor(
    readonly options: ChaosHouseOptions,
    private readonly place: {
      readonly folder: string
      readonly prefix: string
      readonly ledgerPort: number
      readonly ledgerProxy: FaultProxy
      readonly kafkaSender: KafkaSender
      readonly gatewaySender: GatewaySender
      readonly gatewayPort: number
    },
  ) {
    const { folder, ledgerPort, gatewayPort, kafkaSender, gatewaySender } = place
    const { seed, partitionCount, recordsPerSecond } = options
    const data = ['--data-dir', join(folder, 'ledger'), '--partitions', String(partitionCount), '--ledger-port', String(ledgerPort)]
    this.ledger = this.add('ledger', ['ledger', ...data])
    this.relations = this.addService('relations', [])
    this.gateway = this.addService('gateway', ['--gateway-port', String(gatewayPort), '--gateway-auth', 'off'])
    this.dispatcher = this.addService('dispatcher', [])
    this.toKafka = new Publisher({
      sender: kafkaSender,
      records: scenarioRecords({ seed, partitionCount }),
      recordsPerSecond,
      requestRecords: 50,
    })
    this.toGateway = new Publisher({
      sender: gatewaySender,
      // Other events, and other accounts.
      records: scenarioEvents({ seed: seed + 1_000_000, partitionCount }),
      recordsPerSecond: recordsPerSecond / 3,
      requestRecords: 25,
    })
  }

  /** Makes the topics, starts everything and begins to publish. */
  static async open(options: ChaosHouseOptions): Promise<ChaosHouse> {
    const [ledgerPort, gatewayPort] = (await freePorts(2)) as [number, number]
    const { brokers, partitionCount } = options
    // No part of it may come again: test files that share a broker may also share a process, each with modules, and so counters, of its own.
    const prefix = `c${randomBytes(6).toString('hex')}`
    const house = new ChaosHouse(options, {
      folder: mkdtempSync(join(tmpdir(), 'riskledger-chaos-')),
      prefix,
      ledgerPort,
      ledgerProxy: await FaultProxy.start({ port: ledgerPort }),
      gatewayPort,
      kafkaSender: new KafkaSender({ brokers, prefix: `${prefix}-`, partitionCount }),
      gatewaySender: new GatewaySender(`http://127.0.0.1:${gatewayPort}`),
    })
    try {
      await house.begin()
      return house
    } catch (error) {
      await house.close()
      throw new Error(`${(error as Error).message}\n${house.said()}`, { cause: error })
    }
  }

  /** As topic and stream names carry it. */
  get environment(): string {
    return `${this.place.prefix}-`
  }

  /** Group that screeners join which are not ordered onto partitions by hand. */
  get groupId(): string {
    return `${this.environment}riskledger-screener`
  }

  get ledgerProxy(): FaultProxy {
    return this.place.ledgerProxy
  }

  /** The ledger itself, past the proxy. */
  get ledgerUrl(): string {
    return `esdb://127.0.0.1:${this.place.ledgerPort}?tls=false`
  }

  /** What publishing to the cluster and through the gateway was answered with. */
  get receipts(): readonly Receipt[] {
    return [...this.place.kafkaSender.receipts, ...this.place.gatewaySender.receipts]
  }

  /** What went to the cluster, where each record must be there once: none was sent again. Null where some were, since nobody knew of them. */
  get onceOnly(): readonly Receipt[] | null {
    const { receipts, repeated } = this.place.kafkaSender
    return repeated === 0 ? receipts : null
  }

  /** Flags by which the product's own commands read what is in the house. */
  get readerFlags(): readonly string[] {
    return ['--ledger', this.ledgerUrl, '--prefix', this.place.prefix]
  }

  /** Adds a screener that is not started yet: of the group, or ordered onto partitions by hand. */
  addScreener(partitions?: string): ServiceProcess {
    const screener = this.addService('screener', partitions === undefined ? GROUPED : ['--partitions', partitions])
    this.screeners.push(screener)
    return screener
  }

  /** Adds a screener of the group that is not started yet, whose way to the ledger leads through a proxy of its own besides. */
  async addProxiedScreener(): Promise<{ readonly screener: ServiceProcess; readonly proxy: FaultProxy }> {
    const proxy = await FaultProxy.start({ port: this.ledgerProxy.port })
    this.ownProxies.push(proxy)
    const screener = this.addService('screener', GROUPED, proxy)
    this.screeners.push(screener)
    return { screener, proxy }
  }

  /** Takes one out that has ended and is not to be started again. */
  removeScreener(screener: ServiceProcess): void {
    this.screeners.splice(this.screeners.indexOf(screener), 1)
  }

  /** Starts everything that does not run, the ledger first: nobody else can begin without it. Returns how many there were. */
  async startWhatIsDown(): Promise<number> {
    const down = [this.relations, this.gateway, this.dispatcher, ...this.screeners].filter(({ isRunning }) => !isRunning)
    if (!this.ledger.isRunning) await this.ledger.start().ready
    await Promise.all(down.map((process) => process.start().ready))
    return down.length
  }

  /** Until the publishers' acknowledged records have grown by so many: time, counted in work. */
  async pass(records: number): Promise<void> {
    const sum = (): number => this.toKafka.acknowledged + this.toGateway.acknowledged
    for (const until = sum() + records; sum() < until;) {
      for (const publisher of [this.toKafka, this.toGateway]) publisher.assertWell()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  resume(): void {
    this.toKafka.resume()
    this.toGateway.resume()
  }

  /** Resolves once nothing is on its way to the cluster. */
  async pause(): Promise<void> {
    await Promise.all([this.toKafka.pause(), this.toGateway.pause()])
  }

  /** What every process wrote to standard error, for a test that fails. */
  said(): string {
    return this.processes.flatMap(({ name, stderr }) => (stderr === '' ? [] : [`[${name}] ${stderr.slice(-2_000)}`])).join('\n')
  }

  /** Ends everything and removes its folder. */
  async close(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.end('SIGKILL')))
    await Promise.all([...this.ownProxies, this.ledgerProxy].map((proxy) => proxy.close()))
    rmSync(this.place.folder, { recursive: true, force: true })
    await Promise.all([this.toKafka.stop(), this.toGateway.stop()])
  }

  private async begin(): Promise<void> {
    const { brokers, partitionCount, screeners, replication = 1 } = this.options
    const topics = ['--kafka', brokers.join(','), '--prefix', this.place.prefix, '--partitions', String(partitionCount)]
    const make = runToEnd(['topics', 'create', ...topics, '--replication', String(replication)])
    await Promise.all([make, this.ledger.start().ready])
    if (typeof screeners === 'number') for (let count = 0; count < screeners; count++) this.addScreener()
    else for (const partitions of screeners) this.addScreener(partitions)
    // Work from the first moment on: in a group nobody gets partitions before.
    this.toKafka.resume()
    await this.startWhatIsDown()
    this.toGateway.resume()
  }

  private addService(name: string, flags: readonly string[], ledgerProxy = this.ledgerProxy): ServiceProcess {
    const { folder, prefix } = this.place
    const { brokers, serviceBrokers = brokers } = this.options
    const ledgerUrl = `esdb://127.0.0.1:${ledgerProxy.port}?tls=false`
    const dataDir = join(folder, `${name}-${this.dataDirs++}`)
    const at = ['--kafka', serviceBrokers.join(','), '--ledger', ledgerUrl, '--prefix', prefix, '--data-dir', dataDir]
    return this.add(name, [name, ...at, ...flags])
  }

  private add(name: string, args: readonly string[]): ServiceProcess {
    const process = new ServiceProcess(name, args)
    this.processes.push(process)
    return process
  }
}
