import { join } from 'node:path'
import { type EventLog, type InputStatus, type Ledger, type RawTopic, type Verdict } from '@riskledger/contracts'
import { decodeRelationsLearned, entryAt, lastEntry, relationsStream, screeningStream } from '@riskledger/journal'
import { PolicyShelf } from '@riskledger/screener'
import { activeSince } from './explain-input'
import { folderBytes } from './folder-bytes'
import { countsFile, readJournalStatus, type JournalStatus } from './journal-status'
import type { House } from './open-house'
import { openLogToRead } from './open-log-to-read'

/** A topic of a partition: how far the journal is in what the log holds. */
interface TopicStatus {
  readonly topic: RawTopic
  /** Offsets that the log holds, `[logStart, logEnd)`. */
  readonly logStart: number
  readonly logEnd: number
  readonly nextOffset: number
  /** Records in the log that no journal entry covers yet. */
  readonly lagMessages: number
}

/** A partition: its journal, and the topics with anything in them. */
export interface PartitionStatus extends JournalStatus {
  readonly partition: number
  readonly lag: readonly TopicStatus[]
}

/** Where a relations stream stands. */
interface RelationsStatus {
  readonly stream: string
  /** -1 where there is none. */
  readonly revision: number
  /** The last event-time epoch that it covers; -1 before the first. */
  readonly throughEpoch: number
}

/** What `status` tells of a house. */
export interface HouseStatus {
  readonly inputs: number
  readonly lagMessages: number
  readonly statuses: Readonly<Record<InputStatus, number>>
  readonly verdicts: Readonly<Record<Verdict, number>>
  readonly policy: { readonly hash: string; readonly name: string; readonly since: string } | null
  readonly partitions: readonly PartitionStatus[]
  readonly relations: readonly RelationsStatus[]
  /** Bytes on disk, as allocated. */
  readonly bytes: { readonly log: number; readonly ledger: number; readonly cache: number }
}

/** Reads where everything in a data folder stands; changes nothing but a cache of counts. `onInputs` is told of inputs counted so far. */
export async function readHouseStatus(
  house: House,
  options: { readonly environment: string; readonly onInputs?: (inputs: number) => void },
): Promise<HouseStatus> {
  const { ledger, dataDir, folder } = house
  const { environment } = options
  const log = await openLogToRead(house)
  let counted = 0
  try {
    const partitions: PartitionStatus[] = []
    const relations: RelationsStatus[] = []
    for (let partition = 0; partition < folder.partitions; partition++) {
      const stream = screeningStream(partition, 0, environment)
      const journal = await readJournalStatus(stream, {
        ledger,
        cacheFile: countsFile(dataDir, stream),
        onInputs: (count) => options.onInputs?.((counted += count)),
      })
      partitions.push({ ...journal, partition, lag: log === null ? [] : await lagOf(log, partition, journal) })
      relations.push(await relationsOf(ledger, relationsStream(partition, environment)))
    }
    const statuses = sumOf(partitions.map((partition) => partition.statuses))
    const verdicts = sumOf(partitions.map((partition) => partition.verdicts))
    return {
      inputs: partitions.reduce((sum, partition) => sum + partition.inputs, 0),
      lagMessages: partitions.reduce((sum, partition) => sum + partition.lag.reduce((lag, topic) => lag + topic.lagMessages, 0), 0),
      statuses,
      verdicts,
      policy: await policyOf(house, environment, partitions[0]),
      partitions,
      relations,
      bytes: {
        log: await folderBytes(join(dataDir, 'log')),
        ledger: await folderBytes(join(dataDir, 'ledger')),
        cache: await folderBytes(join(dataDir, 'cache')),
      },
    }
  } finally {
    await log?.close()
  }
}

async function lagOf(log: EventLog, partition: number, journal: JournalStatus): Promise<readonly TopicStatus[]> {
  const lag: TopicStatus[] = []
  for (const [place, topic] of journal.topics.entries()) {
    const { start, end } = await log.range(topic, partition)
    const nextOffset = journal.nextOffsets[place]
    if (end > 0 || nextOffset > 0) lag.push({ topic, logStart: start, logEnd: end, nextOffset, lagMessages: Math.max(0, end - nextOffset) })
  }
  return lag
}

async function relationsOf(ledger: Ledger, stream: string): Promise<RelationsStatus> {
  const last = await lastEntry(ledger, stream)
  if (last === null) return { stream, revision: -1, throughEpoch: -1 }
  const { revision } = last.recorded
  return { stream, revision, throughEpoch: decodeRelationsLearned((await entryAt(ledger, stream, revision)).data).throughEpoch }
}

async function policyOf({ ledger }: House, environment: string, journal: PartitionStatus | undefined): Promise<HouseStatus['policy']> {
  if (journal === undefined || journal.policyHash === null) return null
  const { policy, hash } = await new PolicyShelf(ledger, environment).load(journal.policyHash)
  return { hash, name: policy.name, since: await activeSince(ledger, journal) }
}

function sumOf<Key extends string>(counts: readonly Readonly<Record<Key, number>>[]): Record<Key, number> {
  const sum = {} as Record<Key, number>
  for (const one of counts) for (const key of Object.keys(one) as Key[]) sum[key] = (sum[key] ?? 0) + one[key]
  return sum
}
