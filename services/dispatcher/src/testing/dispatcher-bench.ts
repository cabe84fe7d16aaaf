import { KeptLogger, NO_METRICS } from '@riskledger/testing'
import type { DispatcherOptions } from '../dispatch-partition'
import type { DispatchPosition, PositionStore } from '../dispatch-position'
import { runDispatcher } from '../run-dispatcher'
import type { MadeLedger } from './made-ledger'
import { MemoryBroker } from './memory-broker'

/** What a process that was killed does: nothing any more. */
class Killed extends Error {}

/** Positions in memory. */
class MemoryPositions implements PositionStore {
  readonly kept = new Map<string, DispatchPosition>()

  load(stream: string): Promise<DispatchPosition | null> {
    return Promise.resolve(this.kept.get(stream) ?? null)
  }

  save(stream: string, position: DispatchPosition): Promise<void> {
    this.kept.set(stream, position)
    return Promise.resolve()
  }

  placeOf(stream: string): string {
    return `memory of ${stream}`
  }
}

/** A dispatcher over a made ledger, started, killed and started again over the same broker and the same positions. */
export class DispatcherBench {
  readonly broker = new MemoryBroker()
  readonly positions = new MemoryPositions()
  readonly logger = new KeptLogger()
  /** Crash points that were reached, over all runs. */
  readonly reached: string[] = []

  constructor(
    private readonly made: MadeLedger,
    private readonly partitionCount = 1,
  ) {}

  /**
   * Runs until `done` says so, asked before the run and after each call that is durable, or until it is killed at the n-th crash point.
   * True where it was killed. Rejects with what else ended it.
   */
  async run(done: () => boolean, options: Partial<DispatcherOptions> & { readonly killAt?: number } = {}): Promise<boolean> {
    if (done()) return false
    const { killAt = Infinity, ...rest } = options
    const stopping = new AbortController()
    let alive = true
    let points = 0
    const dieIfDead = (): void => {
      if (!alive) throw new Killed('killed')
    }
    try {
      await runDispatcher({
        ledger: this.made.ledger,
        publisher: { publish: async (messages) => (dieIfDead(), this.broker.publish(messages)) },
        positions: {
          load: (stream) => this.positions.load(stream),
          save: async (stream, position) => (dieIfDead(), this.positions.save(stream, position)),
          placeOf: (stream) => this.positions.placeOf(stream),
        },
        partitionCount: this.partitionCount,
        environment: '',
        logger: this.logger,
        metrics: NO_METRICS,
        nowMs: () => 0,
        signal: stopping.signal,
        retry: { initialMs: 1, capMs: 1 },
        crashPoint: (name) => {
          dieIfDead()
          this.reached.push(name)
          if (++points < killAt) return
          alive = false
          dieIfDead()
        },
        onPublished: () => {
          if (done()) stopping.abort()
        },
        ...rest,
      })
      return false
    } catch (error) {
      if (error instanceof Killed) return true
      throw error
    }
  }

  /** Runs until every input of the partitions is published: `inputs` on the topic of verdicts, over its partitions, each counted once. */
  runToEnd(inputs: number, options: Parameters<DispatcherBench['run']>[1] = {}): Promise<boolean> {
    return this.run(() => this.published() >= inputs, options)
  }

  /** Inputs that are published, each counted once. */
  published(): number {
    let count = 0
    for (let partition = 0; partition < this.partitionCount; partition++) count += this.broker.firstIds('risk.verdicts', partition).length
    return count
  }
}
