import { NO_KEY, partitionOf, type RecordColumns } from '@riskledger/contracts'
import type { EmissionBlock } from './emission-block'

const FIRST_BYTES = 1_048_576

/** The records of the append that is being gathered. Filled again for the next one: a log copies columns before it returns. */
export class RecordBatch implements RecordColumns {
  count = 0
  readonly topics: Uint8Array
  readonly partitions: Uint32Array
  readonly brokerTimesMs: Float64Array
  readonly orderTimesMs: Float64Array
  bytes = new Uint8Array(FIRST_BYTES)
  readonly keyEnds: Uint32Array
  readonly ends: Uint32Array
  /** Bytes of the values alone. */
  valueBytes = 0

  constructor(
    private readonly maxRecords: number,
    private readonly partitionCount: number,
  ) {
    this.topics = new Uint8Array(maxRecords)
    this.partitions = new Uint32Array(maxRecords)
    this.brokerTimesMs = new Float64Array(maxRecords)
    this.orderTimesMs = new Float64Array(maxRecords)
    this.keyEnds = new Uint32Array(maxRecords)
    this.ends = new Uint32Array(maxRecords)
  }

  get full(): boolean {
    return this.count >= this.maxRecords
  }

  clear(): void {
    this.count = 0
    this.valueBytes = 0
  }

  /** Adds an emission but for its bytes, which `fill` brings. A record without a key lies in partition 0. */
  add(block: EmissionBlock, index: number, brokerTimeMs: number, orderTimeMs: number): void {
    const at = this.count++
    const from = index === 0 ? 0 : block.ends[index - 1]
    const to = block.ends[index]
    const keyEnd = block.keyEnds[index]
    const start = at === 0 ? 0 : this.ends[at - 1]
    this.topics[at] = block.topics[index]
    this.brokerTimesMs[at] = brokerTimeMs
    this.orderTimesMs[at] = orderTimeMs
    this.ends[at] = start + to - from
    if (keyEnd === NO_KEY) {
      this.partitions[at] = 0
      this.keyEnds[at] = NO_KEY
      this.valueBytes += to - from
    } else {
      this.partitions[at] = partitionOf(block.bytes, from, keyEnd, this.partitionCount)
      this.keyEnds[at] = start + keyEnd - from
      this.valueBytes += to - keyEnd
    }
  }

  /** Copies the bytes of the emissions `[from, to)`, which were added last, one after another: once for all of them. */
  fill(block: EmissionBlock, from: number, to: number): void {
    if (from === to) return
    const start = from === 0 ? 0 : block.ends[from - 1]
    const end = this.ends[this.count - 1]
    const length = block.ends[to - 1] - start
    if (end > this.bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.bytes.length * 2))
      grown.set(this.bytes.subarray(0, end - length))
      this.bytes = grown
    }
    this.bytes.set(block.bytes.subarray(start, start + length), end - length)
  }
}
