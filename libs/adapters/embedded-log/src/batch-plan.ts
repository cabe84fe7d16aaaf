import assert from 'node:assert'
import { RiskError } from '@riskledger/contracts'
import type { ProposedRecord } from '@riskledger/contracts'
import type { OpenBatch } from './batch-codec'
import { topicIndexOf } from './log-keys'

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
  readonly records: ProposedRecord[]
  dataBytes: number
  encoded: OpenBatch | undefined
  baseOffset: number
}

/**
 * Sorts records into batches by topic and partition, keeping their order, and writes into `batchOf` which batch each record went into.
 * A batch closes at the limits; a record larger than a batch has one to itself. Throws `record-too-large` before anything is done.
 */
export function planBatches(records: readonly ProposedRecord[], batchOf: Uint32Array, limits: BatchLimits): PlannedBatch[] {
  const { partitionCount, maxRecordBytes, maxBatchRecords, maxBatchBytes } = limits
  const batches: PlannedBatch[] = []
  const open: number[] = []
  for (let i = 0; i < records.length; i++) {
    const record = records[i]
    const topicIndex = topicIndexOf(record.topic)
    const { partition } = record
    assert(partition >= 0 && partition < partitionCount, `partition ${partition} of ${partitionCount}`)
    const recordBytes = record.value.length + (record.key === null ? 0 : record.key.length)
    if (recordBytes > maxRecordBytes) throw tooLarge(record, { index: i, recordBytes, maxRecordBytes })
    const slot = topicIndex * partitionCount + partition
    let batch = batches[open[slot]]
    if (batch === undefined || batch.records.length >= maxBatchRecords || batch.dataBytes + recordBytes > maxBatchBytes) {
      batch = { topicIndex, partition, records: [], dataBytes: 0, encoded: undefined, baseOffset: 0 }
      open[slot] = batches.push(batch) - 1
    }
    batch.records.push(record)
    batch.dataBytes += recordBytes
    batchOf[i] = open[slot]
  }
  return batches
}

function tooLarge(
  record: ProposedRecord,
  sizes: { readonly index: number; readonly recordBytes: number; readonly maxRecordBytes: number },
): RiskError {
  const { index, recordBytes, maxRecordBytes } = sizes
  const message = `Record ${index} of the append, for ${record.topic}, partition ${record.partition}, has ${recordBytes} bytes; the log takes at most ${maxRecordBytes}. Nothing was appended.`
  return new RiskError('record-too-large', message, {
    retriable: false,
    context: { topic: record.topic, partition: record.partition, index, recordBytes, maxRecordBytes },
  })
}
