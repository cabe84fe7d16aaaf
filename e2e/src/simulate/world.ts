import { RAW_TOPICS, type EventLog } from '@riskledger/contracts'
import { screeningStream } from '@riskledger/journal'
import type { AcceptedPolicy } from '@riskledger/policy'
import { relationsOptions } from '@riskledger/relations'
import { runRelations } from '@riskledger/relations-service'
import { challengeDraw, PolicyShelf, startPartitionWorker, type WorkerOptions } from '@riskledger/screener'
import type { Random } from '@riskledger/simulation'
import {
  NO_METRICS,
  PendingCalls,
  SimulatedLedger,
  SimulatedLog,
  SimulatedSnapshots,
  virtualTimers,
  type AppendRequest,
  type PendingCall,
  type VirtualClock,
} from '@riskledger/testing'
import { Coverage } from './coverage'
import type { Mutation } from './mutations'
import { START_MS, type Feed } from './plan-feed'
import { SimulatedProcess } from './simulated-process'
import { CHALLENGE_SECRET } from './small-policies'

/** Stands for the hash of the deciding code. */
const ENGINE_HASH = 'e'.repeat(64)
/** What draws the challenges of a partition; every worker of it draws the same. */
const DRAWS = [0, 1].map((partition) => challengeDraw(CHALLENGE_SECRET, partition))
/** How often in a thousand a state counts as so large that it is hashed while its partition goes on, and how long that takes at most. */
const STATES_HASHED_LATER_PERMILLE = 500
const MOST_HASHING_MS = 50
const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/** What a world is made of. */
export interface WorldOptions {
  readonly random: Random
  readonly feed: Feed
  readonly policies: readonly AcceptedPolicy[]
  /** How often in a thousand a process is killed as it passes a crash point. */
  readonly crashPointPermille: number
  /** How often in a thousand something goes wrong with an append. */
  readonly appendFaultPermille: number
  /** A known error put into a port, to see that it is found. */
  readonly mutation: Mutation | null
}

/** Everything that a schedule moves: log, ledger, machines, processes, time. One seed decides all of it. */
export class World {
  readonly random: Random
  readonly feed: Feed
  readonly policies: readonly AcceptedPolicy[]
  readonly clock: VirtualClock = { nowMs: START_MS }
  readonly calls = new PendingCalls()
  readonly log: SimulatedLog
  readonly ledger: SimulatedLedger
  readonly hosts: readonly { readonly snapshots: SimulatedSnapshots; skewMs: number }[]
  readonly processes: SimulatedProcess[] = []
  /** Appends on their way whose sender does not wait for them any more. */
  ghosts: AppendRequest[] = []
  readonly trace: string[] = []
  readonly problems: string[] = []
  readonly coverage = new Coverage()
  /** False once the schedule is let run to quiet: nothing is broken any more. */
  faulty = true
  /** True once everybody was told to stop: nobody is started any more. */
  closing = false
  steps = 0
  faults = 0
  /** Steps of the feed that were published. */
  published = 0
  ledgerDownUntilMs = 0
  logDownUntilMs = 0
  /** Topics that retention has cut below what the journal holds: workers must refuse to go on. */
  readonly truncated = new Set<string>()

  constructor(private readonly options: WorldOptions) {
    this.random = options.random
    this.feed = options.feed
    this.policies = options.policies
    this.log = new SimulatedLog(this.feed.partitionCount, this.calls, this.clock)
    this.ledger = options.mutation?.ledger?.(this.calls) ?? new SimulatedLedger(this.calls)
    this.hosts = [0, 1].map(() => ({ snapshots: new SimulatedSnapshots(this.calls), skewMs: 0 }))
    this.calls.onCall = (call) => this.receive(call)
    this.calls.onLateCall = ({ caller, append }) => {
      const process = caller as SimulatedProcess
      if (append !== undefined && process.fenced && process.end !== null)
        this.problem(`${process.name} was fenced, and sends after its end`)
    }
  }

  note(text: string): void {
    this.trace.push(`${String(this.steps).padStart(4)} ${this.clock.nowMs - START_MS} ms  ${text}`)
  }

  problem(text: string): void {
    this.problems.push(text)
    this.note(`PROBLEM ${text}`)
  }

  /** Processes that run, a screener of this partition or (-1) relations. */
  aliveOf(partition: number): readonly SimulatedProcess[] {
    return this.processes.filter((process) => process.alive && process.partition === partition)
  }

  /** Starts a screener of this partition, or (-1) relations. */
  start(partition: number): SimulatedProcess {
    const kind = partition < 0 ? 'relations' : 'screener'
    const process = new SimulatedProcess(`${kind}-${this.processes.length + 1}`, kind, partition, this.random.below(2))
    this.processes.push(process)
    // Whoever starts again and again waits an outage out.
    this.clock.nowMs += this.random.between(50, 500)
    this.note(`start ${process.name}${partition < 0 ? '' : ` on partition ${partition}, host ${process.host}`}`)
    if (partition < 0) this.runRelations(process)
    else this.runScreener(process)
    return process
  }

  /** `kill -9`: what it has sent may still arrive. */
  kill(process: SimulatedProcess, when: string): void {
    this.note(`KILL ${process.name} ${when}`)
    process.state = 'killed'
    this.bury(process)
  }

  /** An append arrives, whoever waits for it. */
  landGhost(): void {
    const at = this.random.below(this.ghosts.length)
    const [ghost] = this.ghosts.splice(at, 1)
    const before = this.ledger.streams.all.length
    let became = 'refused'
    try {
      this.ledger.land(ghost)
      became = this.ledger.streams.all.length > before ? 'written' : 'there already'
    } catch {
      // Refused as too late: nobody waits for the answer.
    }
    this.coverage.count(`late append ${became}`)
    this.note(`late append of ${ghost.author} to ${ghost.stream}@${ghost.expected}: ${became}`)
  }

  private receive(call: PendingCall): void {
    const { caller, kind, append } = call.request
    const process = caller as SimulatedProcess
    if (append !== undefined && process.fenced) this.problem(`${process.name} was fenced, and sends ${call.request.text}`)
    // Not every look at an empty topic is worth a step of its own.
    if (
      (kind === 'fetch' || kind === 'sources') &&
      !process.paused &&
      this.clock.nowMs >= this.logDownUntilMs &&
      !this.random.chance(150)
    ) {
      call.answer()
    }
  }

  /** What becomes of the calls of a process that is gone. */
  private bury(process: SimulatedProcess): void {
    for (const call of this.calls.pending.filter(({ request }) => request.caller === process)) {
      const { append } = call.request
      if (append !== undefined && !call.taken && this.random.chance(700)) this.ghosts.push(append)
      call.drop()
    }
  }

  private finished(process: SimulatedProcess, error: unknown): void {
    if (!process.alive) return
    process.finish(error)
    const { code } = process.end!
    this.note(`${process.name} ended: ${code}${error instanceof Error ? ` (${error.message})` : ''}`)
    this.coverage.count(`${process.kind} ended: ${code}`)
    this.bury(process)
  }

  private reach(process: SimulatedProcess, name: string): void {
    if (!process.alive || !this.faulty) return
    this.coverage.count(`crash point passed: ${name}`)
    if (!this.random.chance(this.options.crashPointPermille)) return
    this.faults++
    this.coverage.count(`killed at ${name}`)
    this.kill(process, `at ${name}`)
  }

  /** The log as a screener sees it. What it is told of the beginning is kept: it may be another by the time at which an entry made of it lands. */
  private logOf(process: SimulatedProcess): EventLog {
    const log = this.log.clientOf(process)
    return {
      ...log,
      range: async (topic, partition) => {
        const range = await log.range(topic, partition)
        const told = process.toldStarts.get(topic) ?? new Set()
        process.toldStarts.set(topic, told.add(range.start))
        return range
      },
    }
  }

  private runScreener(process: SimulatedProcess): void {
    const { options, clock } = this
    const host = this.hosts[process.host]
    const ledger = this.ledger.clientOf(process)
    const timers = virtualTimers(process, this.calls, clock)
    const given: WorkerOptions = {
      partition: process.partition,
      partitionCount: this.feed.partitionCount,
      environment: '',
      workerId: process.name,
      engineHash: ENGINE_HASH,
      log: this.logOf(process),
      ledger,
      snapshots: host.snapshots.clientOf(process),
      policies: new PolicyShelf(ledger, ''),
      policy: null,
      firstPolicy: this.policies[0],
      checkPolicy: () => undefined,
      pace: { batchInputs: 4, snapshotInputs: 5 },
      draw: DRAWS[process.partition],
      nowMs: () => clock.nowMs + host.skewMs,
      logger: SILENT,
      metrics: NO_METRICS,
      crashPoint: (name) => this.reach(process, name),
      onBatch: () => undefined,
      onIdle: (nextOffsets) => {
        process.idleOffsets = [...nextOffsets]
      },
      timers,
      stateHasher: {
        takes: () => this.random.chance(STATES_HASHED_LATER_PERMILLE),
        hash: async ({ step }) => {
          const hash = step.stateHash()
          await timers.sleep(1 + this.random.below(MOST_HASHING_MS), new AbortController().signal)
          return hash
        },
      },
      randomBytes: (length) => Uint8Array.from({ length }, () => this.random.below(256)),
    }
    const mutated = options.mutation?.worker?.(given) ?? given
    startPartitionWorker(mutated).then(
      (worker) => {
        if (!process.alive) return
        process.worker = worker
        process.state = 'running'
        this.note(`${process.name} has taken partition ${process.partition} over, generation ${worker.fold.tenure!.generation}`)
        worker.done.then(
          () => this.finished(process, null),
          (error: unknown) => this.finished(process, error),
        )
      },
      (error: unknown) => this.finished(process, error),
    )
  }

  private runRelations(process: SimulatedProcess): void {
    const ledger = this.ledger.clientOf(process)
    const timers = virtualTimers(process, this.calls, this.clock)
    const running = runRelations({
      ...relationsRunOptions(this.policies[0], this.feed.partitionCount),
      ledger: this.options.mutation?.relationsLedger?.(ledger) ?? ledger,
      snapshots: this.hosts[process.host].snapshots.clientOf(process),
      nowMs: () => this.clock.nowMs,
      signal: process.leaving.signal,
      crashPoint: (name) => this.reach(process, name),
      sleep: (delayMs, signal) => timers.sleep(delayMs, signal),
    })
    process.state = 'running'
    running.then(
      () => this.finished(process, null),
      (error: unknown) => this.finished(process, error),
    )
  }

  /** Next offset of each topic once everything is in the journal. */
  endOffsets(partition: number): readonly number[] {
    return RAW_TOPICS.map((topic) => this.log.endOf(topic, partition))
  }

  /** True where something goes wrong with the append at hand. */
  appendBreaks(): boolean {
    return this.faulty && this.random.chance(this.options.appendFaultPermille)
  }

  /** True where of each partition some screener has everything of the log in the ledger. */
  get drained(): boolean {
    for (let partition = 0; partition < this.feed.partitionCount; partition++) {
      const ends = this.endOffsets(partition).join()
      if (!this.aliveOf(partition).some(({ idleOffsets }) => idleOffsets.join() === ends)) return false
    }
    return true
  }

  /** Who holds the newest tenure of a partition; null where nobody ever did. */
  tenantOf(partition: number): string | null {
    const tenure = this.ledger.streams.entriesOf(screeningStream(partition, 0)).findLast(({ type }) => type === 'TenureBegan')
    return tenure === undefined ? null : (JSON.parse(Buffer.from(tenure.data).toString('utf8')) as { workerId: string }).workerId
  }
}

/** What relations run with, but for their ledger and their end. */
export function relationsRunOptions(
  { policy }: AcceptedPolicy,
  partitionCount: number,
): Omit<Parameters<typeof runRelations>[0], 'ledger' | 'snapshots' | 'nowMs' | 'signal'> {
  return {
    partitionCount,
    environment: '',
    engineHash: ENGINE_HASH,
    codeHash: ENGINE_HASH,
    epochMs: policy.relations.epochMs,
    state: relationsOptions(policy.state),
    snapshotPace: { snapshotInputs: 5 },
    logger: SILENT,
    metrics: NO_METRICS,
  }
}
