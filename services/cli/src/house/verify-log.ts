import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { RAW_TOPICS, RiskError, type EventLog } from '@riskledger/contracts'
import { openEmbeddedLog, type CheckableLog } from '@riskledger/embedded-log'
import type { House } from './open-house'
import type { Fault, JournalEnd } from './verify-ledger'

/** A log that is open to be verified: before the ledger is read, since it may be written to meanwhile, and after. */
export interface LogCheck {
  /** Records that the log holds of each partition; a folder without a log holds none. */
  readonly records: readonly number[]
  /**
   * Reads everything that the log holds, which checks every batch by its checksum, and holds the journals' positions against it: each must lie where
   * the log still has what comes next. Gives what is at fault, and how many records were read.
   */
  verify(
    journals: readonly JournalEnd[],
    onRecords?: (records: number) => void,
  ): Promise<{ readonly faults: readonly Fault[]; readonly records: number }>
  close(): Promise<void>
}

/** Opens the log of a data folder to be verified. A log that is missing or cannot be opened is a fault of its own, not an error. */
export async function openLogCheck({ log: address, isElsewhere, folder: { partitions } }: House): Promise<LogCheck> {
  // A cluster's log is transport: what was taken of it is in the ledger, and retention takes it away there by and by.
  if (address.kind !== 'embedded' || (isElsewhere && !existsSync(address.folder))) return NO_LOG
  const { folder } = address
  let log: CheckableLog
  try {
    if (!existsSync(join(folder, 'data.mdb'))) return withoutLog(`there is no log in ${folder}`)
    log = openEmbeddedLog({ folder, partitionCount: partitions, readOnly: true })
  } catch (error) {
    if (!(error instanceof RiskError) || error.code === 'log-unavailable') throw error
    return withoutLog(error.message, { always: true })
  }
  const starts = await rangesOf(log, partitions)
  return {
    records: starts.map((topics) => [...topics.values()].reduce((sum, { end }) => sum + end, 0)),
    close: () => log.close(),
    verify: async (journals, onRecords) => {
      const faults: Fault[] = []
      const ends = await rangesOf(log, partitions)
      for (const journal of journals) faults.push(...positionFaults(journal, { starts, ends }))
      return { faults, records: readAll(log, { ranges: ends, faults, onRecords: onRecords ?? (() => undefined) }) }
    },
  }
}

const NO_LOG: LogCheck = { records: [], close: () => Promise.resolve(), verify: () => Promise.resolve({ faults: [], records: 0 }) }

/** What journals say of a log that is not there: a fault where they stand past its beginning. */
function withoutLog(reason: string, { always = false }: { readonly always?: boolean } = {}): LogCheck {
  return {
    records: [],
    close: () => Promise.resolve(),
    verify: (journals) => {
      const isNeeded = journals.some((journal) => Object.values(journal.nextOffsets).some((offset) => offset > 0))
      return Promise.resolve({ faults: always || isNeeded ? [{ stream: 'log', revision: -1, reason }] : [], records: 0 })
    },
  }
}

type Ranges = readonly ReadonlyMap<string, { readonly start: number; readonly end: number }>[]

async function rangesOf(log: EventLog, partitions: number): Promise<Ranges> {
  const ranges: Map<string, { readonly start: number; readonly end: number }>[] = []
  for (let partition = 0; partition < partitions; partition++) {
    ranges.push(new Map())
    for (const topic of RAW_TOPICS) ranges[partition].set(topic, await log.range(topic, partition))
  }
  return ranges
}

/** The start as it was before the ledger was read and the end as it is after: a writer may have gone on between the two. */
function positionFaults(journal: JournalEnd, { starts, ends }: { readonly starts: Ranges; readonly ends: Ranges }): readonly Fault[] {
  const { partition, stream, revision, nextOffsets } = journal
  return Object.entries(nextOffsets).flatMap(([topic, offset]): Fault[] => {
    const start = starts[partition]?.get(topic)?.start ?? 0
    const end = ends[partition]?.get(topic)?.end ?? 0
    if (offset >= start && offset <= end) return []
    const reason = `the journal goes on at offset ${offset} of ${topic}, and the log holds [${start}, ${end}) of it`
    return [{ stream, revision, reason }]
  })
}

interface Reading {
  readonly ranges: Ranges
  readonly faults: Fault[]
  readonly onRecords: (records: number) => void
}

/** Of each topic and partition the first fault is told: what comes after it is not read. */
function readAll(log: CheckableLog, { ranges, faults, onRecords }: Reading): number {
  let records = 0
  for (const [partition, topics] of ranges.entries()) {
    for (const topic of RAW_TOPICS) {
      const { start, end } = topics.get(topic)!
      try {
        for (let fromOffset = start; fromOffset < end;) {
          const next = log.checkBatch({ topic, partition, fromOffset })
          records += next - fromOffset
          fromOffset = next
          onRecords(records)
        }
      } catch (error) {
        if (!(error instanceof RiskError) || error.code !== 'log-corrupt') throw error
        faults.push({ stream: 'log', revision: -1, reason: error.message })
      }
    }
  }
  return records
}
