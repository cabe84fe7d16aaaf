import { RiskError } from '@riskledger/contracts'
import { openEmbeddedLog } from '../src/embedded-log'
import { proposedRecord } from '../src/event-log-contract'

/* Appends to the log in the folder given until an append fails, then prints what was acknowledged and the code of the failure. */
async function fill(): Promise<void> {
  const log = openEmbeddedLog({ folder: process.argv[2], partitionCount: 1 })
  let acknowledged = 0
  for (;;) {
    const records = Array.from({ length: 50 }, () => proposedRecord({ value: Buffer.alloc(10_000, 5) }))
    const progress = { sourceId: 's', emissions: acknowledged + records.length, orderTimeMs: 0, startedAtMs: 0, done: false }
    try {
      await log.append(records, progress)
    } catch (error) {
      if (!(error instanceof RiskError)) throw error
      process.stdout.write(JSON.stringify({ acknowledged, code: error.code }))
      break
    }
    acknowledged += records.length
  }
  await log.close()
}

void fill()
