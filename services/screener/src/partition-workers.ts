import { RiskError, type Logger } from '@riskledger/contracts'
import type { AcceptedPolicy } from '@riskledger/policy'
import type { PartitionWorker } from './partition-worker'
import { PolicyActivation } from './policy-activation'

/** Before a lost partition is taken again: time for a member that was out of touch to learn that the group has given its partitions to others. */
const RETAKE_DELAY_MS = 5_000
/** How often a worker that lost its partition to another takes it again while the partition is still assigned here, before that counts as a fault. */
const MAX_RETAKES = 5

/** Time from a take-over to the next one at most, while the first batch of the former is awaited. */
const FIRST_BATCH_WAIT_MS = 5_000

/** What the workers stand on. */
export interface PartitionWorkersOptions {
  /** Takes one partition over, by `policiesToBegin` once a policy was `activated`; `stillMine` tells, up to the tenure, whether the partition is still wanted here. */
  readonly start: (partition: number, stillMine: () => boolean) => Promise<PartitionWorker>
  /** Told after each take-over which partition is taken next, so that its snapshot can be loaded meanwhile; null once none is. */
  readonly onNext?: (next: number | null) => void
  /**
   * Hash of the policy in force at the end of each journal that has one, by partition: asked when a policy is activated, so that a journal which somebody else has switched
   * after that is left at theirs. Where it rejects, nothing is known of that, and the activated policy goes over what is there.
   */
  readonly policiesInForce: () => Promise<ReadonlyMap<number, string>>
  /** Default 5,000 ms; see `FIRST_BATCH_WAIT_MS`. */
  readonly firstBatchWaitMs?: number
  /**
   * What being fenced means. `ends`: somebody was ordered onto the partition by hand, and this process leaves. `retakes`: a group assigns partitions, and
   * one that it still assigns here after `retakeDelayMs` is taken over again, up to five times before an input is journaled.
   */
  readonly whenFenced: 'ends' | 'retakes'
  /** Default 5,000 ms. */
  readonly retakeDelayMs?: number
  readonly logger: Logger
}

/** Runs a worker for each partition that is assigned to this process, and none for any other. */
export class PartitionWorkers {
  private readonly held = new Map<number, PartitionWorker>()
  private readonly retakes = new Map<number, number>()
  private wanted: ReadonlySet<number> = new Set()
  private lastActivation: PolicyActivation | null = null
  private closed = false
  private readonly timers = new Set<NodeJS.Timeout>()
  private settling: Promise<void> = Promise.resolve()
  /** Ends the wait for a partition's first batch. */
  private hurry = (): void => undefined
  private fail: (error: unknown) => void = () => undefined
  /** Rejects with what ended a worker that was not told to stop; never resolves. */
  readonly failed = new Promise<never>((_, reject) => (this.fail = reject))

  constructor(private readonly options: PartitionWorkersOptions) {
    // Whoever awaits it sees the rejection.
    this.failed.catch(() => undefined)
  }

  /** The workers at work, by partition. */
  get running(): ReadonlyMap<number, PartitionWorker> {
    return this.held
  }

  /** The last policy that was activated and not refused; null before the first. */
  get activated(): AcceptedPolicy | null {
    return this.lastActivation?.policy ?? null
  }

  /** Partitions that are assigned here and have no worker yet, or have lost it. */
  get missing(): readonly number[] {
    return [...this.wanted].filter((partition) => !this.held.has(partition))
  }

  /**
   * Makes `partitions` the assignment: leaves what is not in it, then takes over what is new. Calls may overlap; the last one counts, and a take-over
   * under way for a partition that has gone meanwhile ends before it fences anybody. Resolves once the assignment stands; rejects as `failed` does.
   * Does nothing once `stop` was called: nobody would stop what it took.
   */
  assign(partitions: readonly number[]): Promise<void> {
    if (this.closed) return Promise.resolve()
    this.wanted = new Set(partitions)
    this.hurry()
    this.settling = this.settling.then(() => this.settle())
    // Told through `failed` too, for whoever does not wait.
    this.settling.catch((error: unknown) => this.fail(error))
    return this.settling
  }

  /** Leaves every partition for good: stops pulling, appends what was stepped. Settles once all have stopped; rejects where one could not append what it had. */
  async stop(): Promise<void> {
    this.closed = true
    this.wanted = new Set()
    this.hurry()
    for (const timer of this.timers) clearTimeout(timer)
    this.timers.clear()
    await this.settling.catch(() => undefined)
    const ends = await Promise.allSettled([...this.held.values()].map((worker) => worker.stop()))
    this.held.clear()
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  }

  /**
   * Puts a policy into force at the next batch boundary of each worker, and of each that is started later, unless somebody else has switched its journal in between. One
   * that cannot go on by it keeps its own, which is logged; later ones are not told of a policy that was refused so.
   */
  activate(policy: AcceptedPolicy): void {
    // Asked before anybody here switches.
    const before = this.policiesBefore(policy)
    let refused = false
    for (const [partition, worker] of this.held) if (!this.switches({ partition, worker, policy })) refused = true
    if (!refused) this.lastActivation = new PolicyActivation(policy, before)
  }

  /** Tells that a worker has journaled inputs, so that its earlier retakes no longer count. */
  progressed(partition: number): void {
    this.retakes.delete(partition)
  }

  private async settle(): Promise<void> {
    const leaving = [...this.held].filter(([partition]) => !this.wanted.has(partition))
    // A worker that ended by an error has said so; leaving it must not fail for that again.
    const leave = async ([partition, worker]: [number, PartitionWorker]): Promise<void> => {
      await worker.stop()
      this.lastActivation?.noteLeft(partition, worker.fold.step!.policyHash)
    }
    await Promise.allSettled(leaving.map(leave))
    for (const [partition] of leaving) this.held.delete(partition)
    const { onNext } = this.options
    const { missing, wanted } = this
    try {
      for (const [place, partition] of missing.entries()) {
        if (!this.wanted.has(partition)) continue
        await this.take(partition)
        // The next assignment waits for this one.
        if (this.wanted !== wanted || place + 1 === missing.length) continue
        onNext?.(missing[place + 1])
        await this.untilBegun(partition)
      }
    } finally {
      onNext?.(null)
    }
  }

  /** Taking a partition over keeps the thread busy for as long as its state is read: who is waited for in the one before goes first. */
  private async untilBegun(partition: number): Promise<void> {
    const worker = this.held.get(partition)
    if (worker === undefined) return
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.hurry = resolve
      timer = setTimeout(resolve, this.options.firstBatchWaitMs ?? FIRST_BATCH_WAIT_MS)
      for (const end of [worker.begun, worker.done]) end.then(resolve, resolve)
    })
    clearTimeout(timer)
  }

  private async take(partition: number): Promise<void> {
    const { wanted } = this
    const stillMine = (): boolean => this.wanted.has(partition)
    const { lastActivation: heard } = this
    await heard?.known
    try {
      const worker = await this.options.start(partition, stillMine)
      this.held.set(partition, worker)
      worker.done.catch((error: unknown) => this.onEnded({ partition, worker, error }))
      const { lastActivation: last } = this
      // One that was heard meanwhile is newer than whatever the take-over has put into force.
      if (last !== null && (last !== heard || !last.isOverruled(partition, worker.fold.step!.policyHash)))
        this.switches({ partition, worker, policy: last.policy })
    } catch (error) {
      if (!stillMine() && isOvertaken(error)) return
      // Given back since: the assignment that did so waits for this one, and takes it.
      if (this.wanted !== wanted && isCancelled(error)) return
      if (!this.mayRetake(partition, error)) throw error
      this.retakeLater()
    }
  }

  private async policiesBefore({ hash: policyHash }: AcceptedPolicy): Promise<ReadonlyMap<number, string>> {
    try {
      return await this.options.policiesInForce()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.options.logger.warn('the policies in force could not be read: one that is activated goes over whatever comes between', {
        policyHash,
        reason,
      })
      return new Map()
    }
  }

  /** False where the worker cannot go on by the policy. */
  private switches({
    partition,
    worker,
    policy,
  }: {
    readonly partition: number
    readonly worker: PartitionWorker
    readonly policy: AcceptedPolicy
  }): boolean {
    try {
      worker.activate(policy)
      return true
    } catch (error) {
      if (!(error instanceof RiskError)) throw error
      const { code, message: reason } = error
      this.options.logger.warn('a policy was asked for and not put into force', { partition, policyHash: policy.hash, code, reason })
      return false
    }
  }

  private onEnded({
    partition,
    worker,
    error,
  }: {
    readonly partition: number
    readonly worker: PartitionWorker
    readonly error: unknown
  }): void {
    if (this.held.get(partition) !== worker) return
    this.held.delete(partition)
    if (!this.wanted.has(partition)) return
    if (!this.mayRetake(partition, error)) return this.fail(error)
    this.retakeLater()
  }

  private retakeLater(): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer)
      // Rejections reach `failed`.
      void this.assign([...this.wanted]).catch(() => undefined)
    }, this.options.retakeDelayMs ?? RETAKE_DELAY_MS)
    this.timers.add(timer)
  }

  private mayRetake(partition: number, error: unknown): boolean {
    if (!(error instanceof RiskError) || error.code !== 'fenced') return false
    if (this.options.whenFenced === 'ends') return false
    const retakes = (this.retakes.get(partition) ?? 0) + 1
    this.retakes.set(partition, retakes)
    this.options.logger.warn('another worker took a partition that is assigned here', { partition, retakes, most: MAX_RETAKES })
    return retakes <= MAX_RETAKES
  }
}

/** True of what a take-over rejects with where somebody else has the partition, or is to have it. */
function isOvertaken(error: unknown): boolean {
  return isCancelled(error) || (error instanceof RiskError && error.code === 'fenced')
}

function isCancelled(error: unknown): boolean {
  return error instanceof RiskError && error.code === 'cancelled'
}
