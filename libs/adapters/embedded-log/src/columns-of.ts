import assert from 'node:assert'
import { NO_KEY, type ProposedRecord, type RecordColumns, topicIndexOf } from '@riskledger/contracts'

/** Single records as columns, their bytes copied. */
export function columnsOf(records: readonly ProposedRecord[]): RecordColumns {
  const count = records.length
  const columns = {
    count,
    topics: new Uint8Array(count),
    partitions: new Uint32Array(count),
    brokerTimesMs: new Float64Array(count),
    orderTimesMs: new Float64Array(count),
    bytes: new Uint8Array(records.reduce((sum, { key, value }) => sum + value.length + (key === null ? 0 : key.length), 0)),
    keyEnds: new Uint32Array(count),
    ends: new Uint32Array(count),
  }
  let at = 0
  for (let i = 0; i < count; i++) {
    const { topic, partition, brokerTimeMs, orderTimeMs, key, value } = records[i]
    assert(partition >= 0, `partition ${partition}`)
    columns.topics[i] = topicIndexOf(topic)
    columns.partitions[i] = partition
    columns.brokerTimesMs[i] = brokerTimeMs
    columns.orderTimesMs[i] = orderTimeMs ?? NaN
    if (key !== null) {
      columns.bytes.set(key, at)
      at += key.length
    }
    columns.keyEnds[i] = key === null ? NO_KEY : at
    columns.bytes.set(value, at)
    at += value.length
    columns.ends[i] = at
  }
  return columns
}
