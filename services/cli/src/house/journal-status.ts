import { mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { RiskError, type InputStatus, type Ledger, type RawTopic, type Verdict } from '@riskledger/contracts'
import {
  AvroReader,
  decodeInputsScreened,
  emptyHead,
  openEntry,
  peekAt,
  type ChainHead,
  type RecordedInput,
  type OpenedEntry,
} from '@riskledger/journal'
import { writeFileDurably } from '@riskledger/runtime'

/** Where the account id stands in a framed record, after header and event id; the event time follows it. */
const ACCOUNT_AT = 26
/** Changes with the shape below: a file of another format is read as none. */
const FORMAT = 1

/** Where a partition's journal stands. */
export interface JournalStatus {
  readonly stream: string
  /** Revision of the last entry; -1 where there is none. */
  readonly revision: number
  readonly entryHash: string
  readonly inputs: number
  readonly decisions: number
  readonly topics: readonly RawTopic[]
  /** Next offset to read of each topic, by place in `topics`. */
  readonly nextOffsets: readonly number[]
  /** Largest event time accepted, epoch milliseconds; 0 before the first. */
  readonly streamTimeMs: number
  readonly tickMs: number
  readonly tenure: { readonly workerId: string; readonly generation: number } | null
  readonly policyHash: string | null
  readonly statuses: Readonly<Record<InputStatus, number>>
  readonly verdicts: Readonly<Record<Verdict, number>>
}

type OpenStatus = { -readonly [Field in keyof JournalStatus]: JournalStatus[Field] } & {
  statuses: Record<InputStatus, number>
  verdicts: Record<Verdict, number>
  nextOffsets: number[]
}

/** How to read. */
export interface JournalStatusOptions {
  readonly ledger: Ledger
  /** What was counted is kept here, so that the next call counts on from there. A cache. */
  readonly cacheFile: string
  readonly onInputs?: (count: number) => void
}

/** Counts a journal up to its end, going on from what the last call kept as far as the journal still bears it out. Throws `ledger-corrupt`. */
export async function readJournalStatus(stream: string, options: JournalStatusOptions): Promise<JournalStatus> {
  const { ledger, cacheFile, onInputs } = options
  const status = (await readKept(stream, options)) ?? emptyStatus(stream)
  const from = status.revision
  let head: ChainHead = from < 0 ? emptyHead(stream) : { stream, revision: from, entryHash: status.entryHash }
  try {
    for await (const recorded of ledger.readStream(stream, { from: from + 1, direction: 'forwards' })) {
      const opened = openEntry(head, recorded)
      if (opened.kind === 'faulty')
        throw new RiskError('ledger-corrupt', `${stream}@${recorded.revision}: ${opened.reason}. Run riskledger verify.`, {
          retriable: false,
          context: { stream, revision: recorded.revision },
        })
      head = opened.entry.head
      const before = status.inputs
      count(status, opened.entry)
      onInputs?.(status.inputs - before)
    }
  } catch (error) {
    if (!(error instanceof RiskError) || error.code !== 'stream-not-found') throw error
  }
  status.revision = head.revision
  status.entryHash = head.entryHash
  if (head.revision !== from) {
    await mkdir(dirname(cacheFile), { recursive: true })
    await writeFileDurably(cacheFile, JSON.stringify({ format: FORMAT, ...status }))
  }
  return status
}

async function readKept(stream: string, { ledger, cacheFile }: JournalStatusOptions): Promise<OpenStatus | null> {
  try {
    const { format, ...kept } = (JSON.parse(await readFile(cacheFile, 'utf8')) ?? {}) as OpenStatus & { format: number }
    if (format !== FORMAT || kept.stream !== stream || !(kept.revision >= 0)) return null
    const { metadata } = await peekAt(ledger, stream, kept.revision)
    return metadata.entryHash === kept.entryHash ? kept : null
  } catch (error) {
    const absent =
      (error as NodeJS.ErrnoException).code === 'ENOENT' ||
      error instanceof SyntaxError ||
      (error instanceof RiskError && error.code === 'not-found')
    if (absent) return null
    throw error
  }
}

function emptyStatus(stream: string): OpenStatus {
  return {
    stream,
    revision: -1,
    entryHash: '',
    inputs: 0,
    decisions: 0,
    topics: [],
    nextOffsets: [],
    streamTimeMs: 0,
    tickMs: 0,
    tenure: null,
    policyHash: null,
    statuses: { screened: 0, observed: 0, late: 0, duplicate: 0, conflicting: 0, quarantined: 0 },
    verdicts: { allow: 0, challenge: 0, hold: 0, block: 0 },
  }
}

function count(status: OpenStatus, entry: OpenedEntry): void {
  switch (entry.type) {
    case 'SegmentOpened': {
      const { topics, nextOffsets } = readJson(entry) as { topics: RawTopic[]; nextOffsets: number[] }
      status.topics = topics
      status.nextOffsets = [...nextOffsets]
      return
    }
    case 'TenureBegan': {
      const { workerId, generation } = readJson(entry) as { workerId: string; generation: number }
      status.tenure = { workerId, generation }
      return
    }
    case 'PolicyActivated':
      status.policyHash = (readJson(entry) as { policyHash: string }).policyHash
      return
    case 'DecisionMade':
      status.decisions++
      return
    case 'InputsScreened':
      return countInputs(status, entry)
    default:
      return
  }
}

function countInputs(status: OpenStatus, entry: OpenedEntry): void {
  const batch = decodeInputsScreened(entry.data)
  const reader = new AvroReader(entry.data)
  status.inputs += batch.forEachInput((input) => {
    status.statuses[input.status]++
    if (input.verdict !== null) status.verdicts[input.verdict]++
    const timeMs = acceptedTimeMs(input, reader)
    if (timeMs > status.streamTimeMs) status.streamTimeMs = timeMs
  })
  for (const position of batch.positions) status.nextOffsets[position.topic] = position.toOffset
  if (batch.tickMs > status.tickMs) status.tickMs = batch.tickMs
}

/** Event time of an input that moved stream time; 0 for any other. */
function acceptedTimeMs({ status, bodyAt }: RecordedInput, reader: AvroReader): number {
  if (bodyAt < 0 || (status !== 'screened' && status !== 'observed' && status !== 'late')) return 0
  reader.position = bodyAt
  reader.skip(ACCOUNT_AT)
  reader.skipBytes()
  return reader.long()
}

function readJson(entry: OpenedEntry): unknown {
  return JSON.parse(Buffer.from(entry.data).toString('utf8'))
}

/** Where the counts of a journal are kept in a data folder. */
export function countsFile(dataDir: string, stream: string): string {
  return join(dataDir, 'cache', 'counts', `${stream}.json`)
}
