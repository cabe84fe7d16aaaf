import type { ProposedRecord } from './event-log'
import { RAW_TOPICS } from './topics'

/** Stands in `keyEnds` for a record without a key. */
export const NO_KEY = 0xffffffff

/**
 * Records on their way in, as columns: a million of them cost no object each. Element `i` of each column is of the record `i`; what lies
 * at or past `count` counts for nothing.
 */
export interface RecordColumns {
  readonly count: number
  /** Place of the topic in `RAW_TOPICS`. */
  readonly topics: Uint8Array
  readonly partitions: Uint32Array
  /** Epoch milliseconds. */
  readonly brokerTimesMs: Float64Array
  /** Epoch milliseconds; NaN for undefined. */
  readonly orderTimesMs: Float64Array
  /** Key and value of each record, one record after another from 0 on, without holes. */
  readonly bytes: Uint8Array
  /** Where the key ends in `bytes`, and the value begins; `NO_KEY` where there is no key. */
  readonly keyEnds: Uint32Array
  /** Where the value ends, and the next record begins. */
  readonly ends: Uint32Array
}

/** The columns' records one by one, as views on their bytes: what the columns mean, for a log that takes single records. */
export function recordsOf(columns: RecordColumns): readonly ProposedRecord[] {
  const { bytes, keyEnds, ends, orderTimesMs } = columns
  return Array.from({ length: columns.count }, (_, i) => {
    const start = i === 0 ? 0 : ends[i - 1]
    const keyed = keyEnds[i] !== NO_KEY
    return {
      topic: RAW_TOPICS[columns.topics[i]],
      partition: columns.partitions[i],
      brokerTimeMs: columns.brokerTimesMs[i],
      orderTimeMs: Number.isNaN(orderTimesMs[i]) ? undefined : orderTimesMs[i],
      key: keyed ? bytes.subarray(start, keyEnds[i]) : null,
      value: bytes.subarray(keyed ? keyEnds[i] : start, ends[i]),
    }
  })
}
