import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RiskError } from '@riskledger/contracts'
import { awaitBroker } from './await-broker'
import { brokerSettings, logSettings, type NodeAddress } from './broker-settings'
import { BROKER_CLASS, forgetBroker, formatStorage, refuseRunningBroker } from './cluster-folder'
import type { BrokerJars } from './fetch-broker-jars'
import { javaArguments } from './java-arguments'
import { makeKeystore, readCertificate, scramArguments } from './secured-listener'
import { startGuarded, type GuardedProcess, type HowEnded } from './start-guarded'

const READY_LIMIT_MS = 60_000
/** A broker that hands its partitions over needs a quorum for it; without one it would wait for minutes. */
const STOP_LIMIT_MS = 10_000
/** One that writes its archive of classes as it ends takes longer. */
const ARCHIVE_LIMIT_MS = 60_000
const TOLD_LINES = 5
const ERROR_LINE = /^\S+ (ERROR|FATAL) /

/** What a node needs to know of its cluster. */
export interface BrokerNodeOptions {
  readonly folder: string
  readonly java: string
  readonly jars: BrokerJars
  readonly clusterId: string
  readonly nodes: readonly NodeAddress[]
  readonly heapMiB: number
  /** As in `JavaOptions`. */
  readonly classArchiveFile?: string | undefined
  /** Called when its process ends without having been asked to. */
  readonly onDied: (how: HowEnded) => void
}

/** Where clients come in with TLS and SASL, and whom they have to trust for that. */
export interface SecuredAddress {
  /** `host:port`. */
  readonly broker: string
  /** The broker's own certificate in PEM, signed by itself: clients take it for their authority. */
  readonly certificate: string
}

/** One node of a local cluster: its folder, its address, and its process while it runs. */
export class BrokerNode {
  private process: GuardedProcess | undefined
  private asked = false
  private readonly logFile: string
  private readonly outputFile: string

  constructor(
    private readonly address: NodeAddress,
    private readonly options: BrokerNodeOptions,
  ) {
    this.logFile = join(options.folder, 'server.log')
    this.outputFile = join(options.folder, 'output.log')
  }

  get id(): number {
    return this.address.id
  }

  /** `host:port` of its clients; the same over all its starts. */
  get broker(): string {
    return `127.0.0.1:${this.address.port}`
  }

  /** Where clients come in with TLS and SASL; null without such a port. */
  get secured(): SecuredAddress | null {
    const { secured } = this.address
    return secured === undefined ? null : { broker: `127.0.0.1:${secured.port}`, certificate: readCertificate(this.options.folder) }
  }

  /** Of the broker itself, not of its guard; undefined while it does not run. */
  get pid(): number | undefined {
    return this.process?.howEnded() === undefined ? this.process?.pid : undefined
  }

  /**
   * Formats its storage if that is new, and starts its process; does not wait until that is ready. Does nothing while it runs. After the signal it
   * throws, and no process was started.
   */
  async launch(signal?: AbortSignal): Promise<void> {
    if (this.pid !== undefined) return
    const { folder, java, jars, clusterId, nodes, heapMiB, classArchiveFile, onDied } = this.options
    const dataFolder = join(folder, 'data')
    const settingsFile = join(folder, 'server.properties')
    const logSettingsFile = join(folder, 'log4j2.properties')
    const pidFile = join(folder, 'broker.pid')
    refuseRunningBroker({ pidFile, settingsFile })
    mkdirSync(folder, { recursive: true })
    const { secured } = this.address
    if (secured !== undefined) await makeKeystore(folder, { java, signal })
    writeFileSync(settingsFile, brokerSettings(this.address, { nodes, dataFolder, folder }))
    writeFileSync(logSettingsFile, logSettings(folder))
    await formatStorage(dataFolder, {
      java,
      jars,
      clusterId,
      settingsFile,
      signal,
      more: secured === undefined ? [] : scramArguments(secured),
    })
    signal?.throwIfAborted()
    this.asked = false
    const started = await startGuarded(java, {
      args: [
        ...javaArguments({ java, jars }, { heapMiB, classArchiveFile }),
        ...[`-Dlog4j2.configurationFile=${logSettingsFile}`, BROKER_CLASS, settingsFile],
      ],
      folder,
      output: this.outputFile,
    })
    this.process = started
    writeFileSync(pidFile, `${started.pid}\n`)
    void started.ended.then((how) => {
      forgetBroker(pidFile, started.pid)
      if (!this.asked) onDied(how)
    })
  }

  /**
   * Waits until it is ready and knows of these nodes; throws `log-unavailable`, with the end of its log, and ends it, where it does not come to that or
   * the signal comes first.
   */
  async untilReady(nodeIds: readonly number[], signal?: AbortSignal): Promise<void> {
    const came = await awaitBroker(this.address.port, {
      nodeIds,
      timeoutMs: READY_LIMIT_MS,
      hasEnded: () => this.pid === undefined || signal?.aborted === true,
    })
    if (came === 'ready') return
    const why = came === 'ended' ? 'ended before it was ready' : `was not ready after ${READY_LIMIT_MS / 1_000} s`
    await this.kill()
    throw new RiskError('log-unavailable', `Kafka's node ${this.id} ${why}. ${this.endOfLog()}`, {
      retriable: false,
      context: { node: this.id, port: this.address.port, folder: this.options.folder },
    })
  }

  /** Starts it again, on the same ports and files, and waits until it is ready. */
  async start(): Promise<void> {
    await this.launch()
    await this.untilReady([this.id])
  }

  /** Ends it at once, as a crash of the machine would. */
  async kill(): Promise<void> {
    await this.end('SIGKILL', STOP_LIMIT_MS)
  }

  /** Asks it to hand over and end; after ten seconds it is killed, after a minute where it writes its archive of classes. */
  async stop(): Promise<void> {
    await this.end('SIGTERM', this.options.classArchiveFile === undefined ? STOP_LIMIT_MS : ARCHIVE_LIMIT_MS)
  }

  private async end(signal: NodeJS.Signals, limitMs: number): Promise<void> {
    const running = this.process
    if (running === undefined) return
    this.asked = true
    running.signal(signal)
    const waiting = new AbortController()
    const late = sleep(limitMs, undefined, { signal: waiting.signal }).then(
      () => running.signal('SIGKILL'),
      () => undefined,
    )
    await running.ended
    waiting.abort()
    await late
  }

  /** What went wrong in its own words: its last errors, since a hundred lines on its orderly end come after them. */
  private endOfLog(): string {
    for (const file of [this.logFile, this.outputFile]) {
      const lines = readOptional(file).trimEnd().split('\n')
      const errors = lines.filter((line) => ERROR_LINE.test(line))
      const told = (errors.length > 0 ? errors : lines).slice(-TOLD_LINES)
      if (told.join('') !== '') return `${file} says:\n${told.join('\n')}`
    }
    return `Nothing is in ${this.logFile}.`
  }
}

function readOptional(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
