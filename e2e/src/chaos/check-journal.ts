import { createHash } from 'node:crypto'
import { RiskError, type Ledger, type RawTopic, type RecordedEntry } from '@riskledger/contracts'
import { decodeInputsScreened, emptyHead, openEntry, screeningStream, STATUSES } from '@riskledger/journal'
import type { BrokerTruth } from './broker-truth'

/** What a journal was found to hold. */
export interface JournalCheck {
  readonly inputs: number
  readonly tenures: number
  readonly gapOffsets: number
  /** Records of the cluster that are in no journal (yet). */
  readonly missing: number
  /** In words; empty where everything holds. */
  readonly faults: readonly string[]
}

interface Found {
  inputs: number
  tenures: number
  gapOffsets: number
  missing: number
  readonly faults: string[]
}

interface Position {
  next: number
  readonly topic: RawTopic
}

/**
 * Holds the journals against what the cluster holds: the chain is whole; every record is in exactly one input, in order of its offset, byte for byte;
 * every other offset is covered by a gap; sequences have no hole; tenures rise. Stops collecting after fifty faults.
 */
export async function checkJournals(
  ledger: Ledger,
  options: { readonly truth: BrokerTruth; readonly partitionCount: number; readonly environment: string },
): Promise<JournalCheck> {
  const found: Found = { inputs: 0, tenures: 0, gapOffsets: 0, missing: 0, faults: [] }
  for (let partition = 0; partition < options.partitionCount; partition++) {
    await checkJournal(ledger, { ...options, partition, found })
  }
  return { ...found, faults: found.faults.slice(0, 50) }
}

async function checkJournal(
  ledger: Ledger,
  {
    truth,
    partition,
    environment,
    found,
  }: {
    readonly truth: BrokerTruth
    readonly partition: number
    readonly environment: string
    readonly found: Found
  },
): Promise<void> {
  const stream = screeningStream(partition, 0, environment)
  const fault = (text: string): void => void found.faults.push(`${stream}: ${text}`)
  let head = emptyHead(stream)
  let positions: Position[] = []
  let nextSequence = 1
  let generation = 0
  for await (const recorded of entriesOf(ledger, stream)) {
    const opened = openEntry(head, recorded)
    if (opened.kind === 'faulty') return fault(`@${recorded.revision} ${opened.reason}`)
    head = opened.entry.head
    const { type, data } = opened.entry
    if (type === 'SegmentOpened') {
      const { topics, nextOffsets } = JSON.parse(Buffer.from(data).toString()) as { topics: RawTopic[]; nextOffsets: number[] }
      positions = topics.map((topic, place) => ({ topic, next: nextOffsets[place] }))
    }
    if (type === 'TenureBegan') {
      const tenure = JSON.parse(Buffer.from(data).toString()) as { generation: number }
      if (tenure.generation !== generation + 1) fault(`@${recorded.revision} generation ${tenure.generation} follows ${generation}`)
      generation = tenure.generation
      found.tenures++
    }
    if (type !== 'InputsScreened') continue
    const batch = decodeInputsScreened(data)
    if (batch.firstSequence !== nextSequence) fault(`@${recorded.revision} sequence ${batch.firstSequence} follows ${nextSequence - 1}`)
    const gaps = new Map(batch.gaps.map((gap) => [`${gap.topic}/${gap.fromOffset}`, gap]))
    const passGaps = (place: number): void => {
      for (;;) {
        const gap = gaps.get(`${place}/${positions[place].next}`)
        if (gap === undefined) return
        gaps.delete(`${place}/${gap.fromOffset}`)
        for (let offset = gap.fromOffset; offset < gap.toOffset; offset++) {
          if (truth.get(`${positions[place].topic}/${partition}`)!.has(offset))
            fault(`${positions[place].topic}@${offset} is called a gap (${gap.reason}) and holds a record`)
        }
        found.gapOffsets += gap.toOffset - gap.fromOffset
        positions[place].next = gap.toOffset
      }
    }
    const count = batch.forEachInput((input) => {
      const position = positions[input.topic]
      passGaps(input.topic)
      if (input.offset !== position.next) fault(`@${recorded.revision} ${position.topic}@${input.offset} follows @${position.next - 1}`)
      position.next = input.offset + 1
      const sent = truth.get(`${position.topic}/${partition}`)!.get(input.offset)
      if (sent === undefined) fault(`${position.topic}@${input.offset} is in the journal and not in the cluster`)
      else if (input.bodyAt >= 0 && sent !== sha256(data.subarray(input.bodyAt, input.bodyAt + input.bodyLengthBytes)))
        fault(`${position.topic}@${input.offset} has other bytes in the journal than in the cluster`)
      if (!(STATUSES as readonly string[]).includes(input.status)) fault(`${position.topic}@${input.offset} has the status ${input.status}`)
    })
    for (const place of positions.keys()) passGaps(place)
    for (const gap of gaps.values())
      fault(`@${recorded.revision} a gap at ${positions[gap.topic].topic}@${gap.fromOffset} is not where the journal is`)
    nextSequence += count
    found.inputs += count
  }
  for (const [place, records] of truth) {
    const [topic, of] = place.split('/')
    if (Number(of) !== partition) continue
    const next = positions.find((position) => position.topic === topic)?.next ?? 0
    for (const offset of records.keys()) if (offset >= next) found.missing++
  }
}

/** Every entry of a stream; none where nobody has begun it yet. */
async function* entriesOf(ledger: Ledger, stream: string): AsyncGenerator<RecordedEntry> {
  try {
    yield* ledger.readStream(stream, { from: 'start', direction: 'forwards' })
  } catch (error) {
    if (!(error instanceof RiskError) || error.code !== 'stream-not-found') throw error
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
