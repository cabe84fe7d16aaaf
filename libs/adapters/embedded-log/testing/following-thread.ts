import { parentPort, workerData } from 'node:worker_threads'
import { openEmbeddedLog } from '../src/embedded-log'

/* Follows payments of partition 0 until it has seen as many records as asked for, and posts the first byte of each. */
const { folder, readOnly, count } = workerData as { readonly folder: string; readonly readOnly: boolean; readonly count: number }

async function follow(): Promise<void> {
  const log = openEmbeddedLog({ folder, partitionCount: 1, readOnly })
  const values: number[] = []
  let fromOffset = 0
  while (values.length < count) {
    const { records, nextOffset } = await log.fetch({ topic: 'payments', partition: 0, fromOffset, maxRecords: 50, maxBytes: 2 ** 20 })
    for (const { value } of records) values.push(value[0])
    fromOffset = nextOffset
    if (records.length === 0) await log.changed(10_000)
  }
  await log.close()
  parentPort?.postMessage(values)
}

void follow()
