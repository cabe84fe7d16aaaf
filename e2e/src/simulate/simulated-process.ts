import { RiskError, type RawTopic } from '@riskledger/contracts'
import type { PartitionWorker } from '@riskledger/screener'
import type { Caller } from '@riskledger/testing'

/** How a process came to its end by itself: by being told to, or by an error. */
export interface ProcessEnd {
  /** `stopped`, a `RiskError`'s code, or the name of an error that none of ours is. */
  readonly code: string
  readonly error: unknown
}

/** A process of the simulated house: one screener of one partition, or relations. */
export class SimulatedProcess implements Caller {
  state: 'starting' | 'running' | 'killed' | 'ended' = 'starting'
  /** Stopped by a signal: it hears of nothing until it is continued. */
  paused = false
  end: ProcessEnd | null = null
  worker: PartitionWorker | null = null
  /** Stops relations. */
  readonly leaving = new AbortController()
  /** What a screener was last idle at. */
  idleOffsets: readonly number[] = []
  /** Every start of a topic that the log has told a screener. */
  readonly toldStarts = new Map<RawTopic, Set<number>>()
  /** Set once the ledger has told a screener at work that its append comes too late. */
  fenced = false
  /** Code of the last error that a call other than an append was told in place of an answer. */
  refusedBesides: string | null = null
  /** Set once somebody has looked at how it ended. */
  judged = false

  constructor(
    readonly name: string,
    readonly kind: 'screener' | 'relations',
    readonly partition: number,
    /** The machine that it runs on: 0 or 1, each with snapshots of its own. */
    readonly host: number,
  ) {}

  get alive(): boolean {
    return this.state === 'starting' || this.state === 'running'
  }

  /** Asks it to stop by itself. */
  stop(): void {
    if (this.worker !== null) void this.worker.stop().catch(() => undefined)
    this.leaving.abort()
  }

  /** It has come to its end by itself. */
  finish(error: unknown): void {
    if (!this.alive) return
    this.state = 'ended'
    const code = error === null ? 'stopped' : error instanceof RiskError ? error.code : error instanceof Error ? error.name : 'unknown'
    this.end = { code, error }
  }
}
