import { NO_KEY, topicIndexOf } from '@riskledger/contracts'
import type { Emission, Rejection } from './emission'

const FIRST_ROWS = 1_024
const FIRST_BYTES = 65_536

/**
 * Emissions in their order, as columns: what one block of a file gives. It is filled again for the next block, so it counts until its
 * maker is asked for more. Element `i` of each column is of the emission `i`.
 */
export class EmissionBlock {
  count = 0
  /** Place of the topic in `RAW_TOPICS`. */
  topics = new Uint8Array(FIRST_ROWS)
  /** Epoch milliseconds; NaN where there is no event. */
  eventTimesMs = new Float64Array(FIRST_ROWS)
  /** Key (UTF-8 of the account id) and value of each emission, one after another from 0 on, without holes. */
  bytes = new Uint8Array(FIRST_BYTES)
  /** Where the key ends in `bytes`, and the value begins; `NO_KEY` where there is none. */
  keyEnds = new Uint32Array(FIRST_ROWS)
  /** Where the value ends, and the next emission begins. */
  ends = new Uint32Array(FIRST_ROWS)
  /** Why emissions are no events, or are refused if their time is too far past their arrival, by their place. */
  readonly rejections = new Map<number, Rejection>()

  /** Where the next emission begins in `bytes`. */
  get end(): number {
    return this.count === 0 ? 0 : this.ends[this.count - 1]
  }

  clear(): void {
    this.count = 0
    this.rejections.clear()
  }

  /** Makes room for so many emissions more, of so many bytes together; `bytes` and the columns may be others afterwards. */
  reserve(emissions: number, byteCount: number): void {
    if (this.count + emissions > this.topics.length) this.growRows(this.count + emissions)
    const neededBytes = this.end + byteCount
    if (neededBytes > this.bytes.length) {
      const grown = new Uint8Array(Math.max(neededBytes, this.bytes.length * 2))
      grown.set(this.bytes)
      this.bytes = grown
    }
  }

  /** Takes up an event whose bytes stand at `end`; `reserve` made room for it. */
  commit(topicIndex: number, eventTimeMs: number, keyEnd: number, end: number): void {
    const at = this.count++
    this.topics[at] = topicIndex
    this.eventTimesMs[at] = eventTimeMs
    this.keyEnds[at] = keyEnd
    this.ends[at] = end
  }

  /** Adds one emission, copying its bytes. */
  push({ topic, eventTimeMs, accountId, value, rejection }: Emission): void {
    const key = accountId === null ? undefined : Buffer.from(accountId)
    const keyBytes = key === undefined ? 0 : key.length
    this.reserve(1, keyBytes + value.length)
    const start = this.end
    if (key !== undefined) this.bytes.set(key, start)
    this.bytes.set(value, start + keyBytes)
    if (rejection !== null) this.rejections.set(this.count, rejection)
    this.commit(topicIndexOf(topic), eventTimeMs, key === undefined ? NO_KEY : start + keyBytes, start + keyBytes + value.length)
  }

  /** Adds a copy of another block's emission. */
  copy(other: EmissionBlock, index: number): void {
    const from = index === 0 ? 0 : other.ends[index - 1]
    const to = other.ends[index]
    const keyEnd = other.keyEnds[index]
    this.reserve(1, to - from)
    const start = this.end
    this.bytes.set(other.bytes.subarray(from, to), start)
    const rejection = other.rejections.get(index)
    if (rejection !== undefined) this.rejections.set(this.count, rejection)
    this.commit(other.topics[index], other.eventTimesMs[index], keyEnd === NO_KEY ? NO_KEY : start + keyEnd - from, start + to - from)
  }

  private growRows(needed: number): void {
    const rows = Math.max(needed, this.topics.length * 2)
    this.topics = copied(new Uint8Array(rows), this.topics)
    this.eventTimesMs = copied(new Float64Array(rows), this.eventTimesMs)
    this.keyEnds = copied(new Uint32Array(rows), this.keyEnds)
    this.ends = copied(new Uint32Array(rows), this.ends)
  }
}

function copied<Column extends Uint8Array | Uint32Array | Float64Array>(target: Column, source: Column): Column {
  target.set(source)
  return target
}
