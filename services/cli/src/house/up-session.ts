import { relative } from 'node:path'
import type { AcceptedPolicy } from '@riskledger/policy'
import { DISPATCHER_THREAD } from '@riskledger/dispatcher'
import { createLogger, startThread, stopOnSignals, withoutUserInfo, type Thread } from '@riskledger/runtime'
import { houseOf, type CommandContext } from '../commands/command-context'
import { EXIT } from '../exit-codes'
import { ProgressBar } from '../text/progress-bar'
import { bundleEngine } from './engine'
import { openHouse, type House } from './open-house'
import { followPolicyRequests, policyRequestsEnd, type PolicyRequestsEnd } from './follow-policy-requests'
import { rawTopicDifferences, warnOfLosingTopics } from './losing-topics'
import { dispatcherInput } from './thread-inputs'
import { gatewayDoor, hasGateway, startGatewayThread, type GatewayDoor } from './start-gateway-thread'
import { loadScreeningParts, startScreeningRun, type ScreeningParts, type ScreeningRun, type ScreeningRunOptions } from './screening-run'

/** How the parts are kept up. */
export interface UpSessionOptions {
  readonly context: CommandContext
  readonly dataDir: string
  /** As the user typed it, for the lock. */
  readonly command: string
  /** Exit once everything in the log is in the ledger. */
  readonly once: boolean
  /** Of RiskLedger. */
  readonly version: string
}

/** What runs, and who is told what of it. */
export interface UpRun {
  readonly house: House
  /** Put into force at the start; null: the journals' own. */
  readonly policy: AcceptedPolicy | null
  /** With which journals begin that have none yet, where `policy` is null. */
  readonly firstPolicy?: AcceptedPolicy
  readonly files: readonly string[]
  readonly onStarted?: (run: ScreeningRun) => Promise<void>
  readonly onDecisions: NonNullable<ScreeningRunOptions['onDecisions']>
  readonly onProgress: NonNullable<ScreeningRunOptions['onProgress']>
  /** Once everything in the log is in the ledger. */
  readonly onDrained: (run: ScreeningRun) => Promise<void>
  /** The user stopped it before that. */
  readonly onInterrupted: () => void
}

/** What `up` and its demo share: the screen, the signals that end it, the folder, and how a run of all parts ends. */
export class UpSession {
  readonly bar = new ProgressBar('inputs')
  private openGateway: string | null = null
  private readonly stopping = stopOnSignals()
  private readonly parts: ScreeningParts

  constructor(private readonly options: UpSessionOptions) {
    try {
      this.parts = loadScreeningParts(houseOf(options.context, options.command))
    } catch (error) {
      this.stopping.dispose()
      throw error
    }
  }

  /** Where the gateway listens; null where it is not open. */
  get gatewayUrl(): string | null {
    return this.openGateway
  }

  /**
   * Takes the data folder and serves its ledger, or reaches what is elsewhere; close it when done. Rejects with `cancelled` where the user stops it while it waits for
   * others. A folder with nothing elsewhere is there in a moment, and opened whole.
   */
  open(): Promise<House> {
    const { context, dataDir, command } = this.options
    const house = houseOf(context, command)
    const isAlone = house.kafka === null && house.ledgerUrl === null
    return openHouse({ ...house, dataDir, ledgerThread: this.parts.ledger, ...(isAlone ? {} : { signal: this.stopping.signal }) })
  }

  /**
   * Runs ingest, screener and relations until they are drained (`once`) or the user stops them, and returns the exit code. Rejects with the error of a
   * part that dies. All parts have stopped when it settles.
   */
  async run({ house, onStarted, onDrained, onInterrupted, ...options }: UpRun): Promise<number> {
    const { context, once } = this.options
    const gateway = !once && hasGateway(context.settings) ? gatewayDoor(context.settings) : null
    if (this.stopping.signal.aborted) return this.interrupt(onInterrupted)
    // What is asked for while the parts start is followed, too.
    const after = await policyRequestsEnd(house.ledger, context.environment)
    const run = await startScreeningRun({
      ...options,
      house,
      parts: this.parts,
      engine: await bundleEngine(),
      challengeSecret: context.challengeSecret,
      environment: context.environment,
      logLevel: context.settings.logLevel,
      crashAt: context.crashAt,
      pace: context.pace,
      mapping: null,
      strict: false,
      tells: 'decisions',
    })
    this.warnOfTopics()
    const following = this.followPolicies(house, { run, after })
    const doors: Thread[] = []
    try {
      await onStarted?.(run)
      if (!once) await this.openDoors(house, { gateway, opened: (door) => doors.push(door) })
      const interrupted = this.interrupted()
      if ((await Promise.race([run.drained, following.failed, interrupted])) === INTERRUPTED) return this.interrupt(onInterrupted)
      await onDrained(run)
      if (once) return EXIT.done
      this.say(`\nStays up: ledger ${withoutUserInfo(house.connectionString)}   Ctrl-C stops.`)
      await Promise.race([run.failed, following.failed, interrupted, ...doors.map(({ done }) => done)])
      this.say('Stopped; everything is in the ledger.')
      return EXIT.done
    } finally {
      await Promise.allSettled(doors.map((door) => door.stop()))
      await following.end()
      await run.stop()
    }
  }

  /** What stands open to others while everything runs: the gateway, where somebody may come in, and the dispatcher, where there is a cluster to publish to. */
  private async openDoors(
    house: House,
    { gateway, opened }: { readonly gateway: GatewayDoor | null; readonly opened: (door: Thread) => void },
  ): Promise<void> {
    const { context } = this.options
    if (gateway === null) this.say('  gateway     closed; --gateway-keys <file> or --gateway-auth off opens it')
    else {
      const { logLevel } = context.settings
      const { thread, url } = await startGatewayThread(house, { door: gateway, logLevel, environment: context.environment })
      opened(thread)
      this.openGateway = url
      this.say(`  gateway     ${url}`)
    }
    if (house.log.kind === 'kafka') {
      const thread = startThread(DISPATCHER_THREAD, {
        name: 'dispatcher',
        input: dispatcherInput(house, { ...context, connection: house.log.connection }),
      })
      opened(thread)
      await thread.ready
      this.say('  dispatcher  publishing verdicts and what was refused')
    }
  }

  /** Beside everything else: a cluster that is slow to tell of its topics holds nobody up. */
  private warnOfTopics(): void {
    const { kafka, settings } = this.options.context
    if (kafka === null) return
    void warnOfLosingTopics(() => rawTopicDifferences(kafka), createLogger({ name: 'topics', level: settings.logLevel }))
  }

  /** Puts policies into force that `riskledger policy activate` asks for. */
  private followPolicies(
    house: House,
    { run, after }: { readonly run: ScreeningRun; readonly after: PolicyRequestsEnd },
  ): { readonly failed: Promise<never>; readonly end: () => Promise<unknown> } {
    const ending = new AbortController()
    const following = followPolicyRequests({
      ledger: house.ledger,
      environment: this.options.context.environment,
      after,
      signal: ending.signal,
      activate: (policy) => {
        run.activate(policy)
        this.say(`Policy ${policy.policy.name} (sha256 ${policy.hash.slice(0, 12)}…) goes into force with the next batch.`)
      },
      onRefused: (message) => {
        this.bar.clear()
        process.stderr.write(`${message}\n`)
      },
      logger: createLogger({ name: 'policy', level: this.options.context.settings.logLevel }),
    })
    const failed = following.then(() => new Promise<never>(() => undefined))
    // Whoever races against it sees the rejection; after the end nobody needs to.
    failed.catch(() => undefined)
    return {
      failed,
      end: async () => {
        ending.abort()
        await Promise.allSettled([following])
      },
    }
  }

  /** Prints a line, where text is wanted. */
  say(line: string): void {
    if (this.options.context.json) return
    this.bar.clear()
    this.options.context.print(line)
  }

  /** First line of all: version, ledger, folder, policy. */
  header(house: House, policy: AcceptedPolicy): string {
    const { version } = this.options
    const ledger = withoutUserInfo(house.connectionString)
    return `RiskLedger ${version}   ledger ${ledger}   data ${this.shownDir}   policy ${policy.policy.name} (sha256 ${policy.hash.slice(0, 12)}…)`
  }

  /** The data folder as it is shortest from here. */
  get shownDir(): string {
    const path = relative(process.cwd(), this.options.dataDir)
    return path === '' || path.startsWith('..') ? this.options.dataDir : path
  }

  /** Takes the signal handlers and the bar away, and ends what was loaded in vain. */
  async dispose(): Promise<void> {
    this.stopping.dispose()
    this.bar.clear()
    await this.parts.end()
  }

  private interrupt(tell: () => void): number {
    this.bar.clear()
    tell()
    return EXIT.interrupted
  }

  private interrupted(): Promise<typeof INTERRUPTED> {
    const { signal } = this.stopping
    return new Promise((resolve) => {
      if (signal.aborted) resolve(INTERRUPTED)
      else signal.addEventListener('abort', () => resolve(INTERRUPTED))
    })
  }
}

const INTERRUPTED = Symbol('interrupted')
