import assert from 'node:assert'
import { RAW_TOPICS, type RecordColumns, RiskError } from '@riskledger/contracts'
import { ORDER_COLUMN, ORDER_EQUALS_BROKER, ORDER_NONE, type OrderKind } from './batch-codec'
import type { OpenBatch } from './batch-codec'

/** What a batch may hold; see `EmbeddedLogOptions`. */
export interface BatchLimits {
  readonly partitionCount: number
  readonly maxRecordBytes: number
  readonly maxBatchRecords: number
  readonly maxBatchBytes: number
}

/** Records that become one stored batch; encoding and offset are filled in later. */
export interface PlannedBatch {
  readonly topicIndex: number
  readonly partition: number
  count: number
  /** Bytes of all keys and values. */
  dataBytes: number
  orderKind: OrderKind
  encoded: OpenBatch | undefined
  baseOffset: number
}

/**
 * Sorts records into batches by topic and partition, keeping their order, and writes into `batchOf` which batch each record went into.
 * A batch closes at the limits; a record larger than a batch has one to itself. Throws `record-too-large` before anything is done.
 */
export function planBatches(columns: RecordColumns, batchOf: Uint32Array, limits: BatchLimits): PlannedBatch[] {
  const { partitionCount, maxRecordBytes, maxBatchRecords, maxBatchBytes } = limits
  const { count, topics, partitions, brokerTimesMs, orderTimesMs, ends } = columns
  const batches: PlannedBatch[] = []
  const open: number[] = []
  for (let i = 0, start = 0; i < count; start = ends[i++]) {
    const topicIndex = topics[i]
    const partition = partitions[i]
    assert(partition < partitionCount, `partition ${partition} of ${partitionCount}`)
    const recordBytes = ends[i] - start
    if (recordBytes > maxRecordBytes) throw tooLarge(columns, { index: i, recordBytes, maxRecordBytes })
    const slot = topicIndex * partitionCount + partition
    const order = orderKindOf(brokerTimesMs[i], orderTimesMs[i])
    let batch = batches[open[slot]]
    if (batch === undefined || batch.count >= maxBatchRecords || batch.dataBytes + recordBytes > maxBatchBytes) {
      batch = { topicIndex, partition, count: 0, dataBytes: 0, orderKind: order, encoded: undefined, baseOffset: 0 }
      open[slot] = batches.push(batch) - 1
    }
    batch.count++
    batch.dataBytes += recordBytes
    // A column for the order times is left out only where all records agree that none is needed.
    if (batch.orderKind !== order) batch.orderKind = ORDER_COLUMN
    batchOf[i] = open[slot]
  }
  return batches
}

function orderKindOf(brokerTimeMs: number, orderTimeMs: number): OrderKind {
  if (orderTimeMs === brokerTimeMs) return ORDER_EQUALS_BROKER
  return Number.isNaN(orderTimeMs) ? ORDER_NONE : ORDER_COLUMN
}

function tooLarge(
  columns: RecordColumns,
  sizes: { readonly index: number; readonly recordBytes: number; readonly maxRecordBytes: number },
): RiskError {
  const { index, recordBytes, maxRecordBytes } = sizes
  const topic = RAW_TOPICS[columns.topics[index]]
  const partition = columns.partitions[index]
  const message = `Record ${index} of the append, for ${topic}, partition ${partition}, has ${recordBytes} bytes; the log takes at most ${maxRecordBytes}. Nothing was appended.`
  return new RiskError('record-too-large', message, { retriable: false, context: { topic, partition, index, recordBytes, maxRecordBytes } })
}
