import { RAW_TOPICS } from '@riskledger/contracts'
import type { InputCounts, PartitionTaken, ScreenerMessage, ScreenerReady } from '@riskledger/screener'
import type { RecordedDecision } from '@riskledger/screening'
import type { IngestMessage } from '../threads/ingest-thread'
import { openLogToRead } from './open-log-to-read'
import type { House } from './open-house'

/** How far a run is. */
interface RunProgress {
  readonly inputs: number
  readonly emissions: number
  readonly bytesRead: number
  readonly bytesTotal: number
}

/** Who is told of a run while it goes on. */
export interface TallyListeners {
  readonly onDecisions?: (decisions: readonly RecordedDecision[]) => void
  readonly onRejected?: (message: string) => void
  readonly onProgress?: (progress: RunProgress) => void
}

/** Adds up what the threads tell. */
export class RunTally {
  private readonly partitions = new Map<number, { inputs: number; counts: InputCounts }>()
  private readonly idle = new Map<number, readonly number[]>()
  private progress = { emissions: 0, bytesRead: 0, bytesTotal: 0 }
  private check: (() => void) | null = null

  constructor(private readonly options: TallyListeners & { readonly house: House }) {}

  /** What the journals held before this run; batches that were told meanwhile are newer. */
  begin({ partitions }: ScreenerReady): void {
    this.take(partitions)
  }

  private take(partitions: readonly PartitionTaken[]): void {
    for (const { partition, inputs, counts } of partitions) {
      if (!this.partitions.has(partition)) this.partitions.set(partition, { inputs, counts })
    }
  }

  onIngest(message: Exclude<IngestMessage, { kind: 'taken-in' }>): void {
    if (message.kind === 'rejected') this.options.onRejected?.(message.message)
    else {
      this.progress = message
      this.tell()
    }
  }

  onScreener(message: ScreenerMessage): void {
    if (message.kind === 'idle') {
      this.idle.set(message.partition, message.nextOffsets)
      this.check?.()
      return
    }
    if (message.kind === 'assigned') return this.take(message.partitions)
    this.partitions.set(message.partition, { inputs: message.inputs, counts: message.counts })
    if (message.decisions.length > 0) this.options.onDecisions?.(message.decisions)
    this.tell()
  }

  inputs(): number {
    let inputs = 0
    for (const partition of this.partitions.values()) inputs += partition.inputs
    return inputs
  }

  counts(): InputCounts {
    const sum = {
      statuses: { screened: 0, observed: 0, late: 0, duplicate: 0, conflicting: 0, quarantined: 0 },
      verdicts: { allow: 0, challenge: 0, hold: 0, block: 0 },
      dedupeUnchecked: 0,
    }
    for (const { counts } of this.partitions.values()) {
      for (const status of Object.keys(sum.statuses) as (keyof typeof sum.statuses)[]) sum.statuses[status] += counts.statuses[status]
      for (const verdict of Object.keys(sum.verdicts) as (keyof typeof sum.verdicts)[]) sum.verdicts[verdict] += counts.verdicts[verdict]
      sum.dedupeUnchecked += counts.dedupeUnchecked
    }
    return sum
  }

  /** Resolves once every partition stands at the end of every topic, as the log tells it after the import's end. */
  async drained(): Promise<void> {
    const ends = await this.logEnds()
    await new Promise<void>((resolve) => {
      this.check = () => {
        if (ends.every((end, partition) => this.idle.get(partition)?.every((offset, topic) => offset >= end[topic]) ?? false)) resolve()
      }
      this.check()
    })
  }

  private async logEnds(): Promise<number[][]> {
    const { house } = this.options
    const log = await openLogToRead(house)
    if (log === null) return []
    try {
      const ends: number[][] = []
      for (let partition = 0; partition < house.folder.partitions; partition++) {
        ends.push(await Promise.all(RAW_TOPICS.map(async (topic) => (await log.range(topic, partition)).end)))
      }
      return ends
    } finally {
      await log.close()
    }
  }

  private tell(): void {
    this.options.onProgress?.({ inputs: this.inputs(), ...this.progress })
  }
}
