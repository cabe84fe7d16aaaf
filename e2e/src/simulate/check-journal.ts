import { createHash } from 'node:crypto'
import { RAW_TOPICS, type LogRecord } from '@riskledger/contracts'
import {
  decodeInputsScreened,
  emptyHead,
  openEntry,
  screeningStream,
  type Gap,
  type InputsScreenedView,
  type OpenedEntry,
  type RecordedInput,
} from '@riskledger/journal'
import type { TenureBegan } from '@riskledger/screening'
import type { World } from './world'

/** A partition's journal, its chain found whole. */
export interface ReadJournal {
  readonly partition: number
  readonly stream: string
  readonly entries: readonly OpenedEntry[]
  /** The record that the log holds at a place. */
  readonly recordAt: (topic: number, offset: number) => LogRecord
}

/**
 * Reads a partition's journal and checks it against the log: chain whole, begun where the log was told to begin, tenures rising, each entry written by who held the tenure, ticks never
 * back, every record there once and in the order of its offsets with the bytes that were published, every gap labelled. Null where the chain is broken.
 */
export function readJournal(world: World, partition: number): ReadJournal | null {
  const stream = screeningStream(partition, 0)
  const entries: OpenedEntry[] = []
  let head = emptyHead(stream)
  for (const recorded of world.ledger.streams.entriesOf(stream)) {
    const opened = openEntry(head, recorded)
    if (opened.kind === 'faulty') {
      world.problem(`${stream}@${recorded.revision}: ${opened.reason}`)
      return null
    }
    head = opened.entry.head
    entries.push(opened.entry)
  }
  const records = RAW_TOPICS.map((topic) => new Map(world.log.contentOf(topic, partition).records.map((record) => [record.offset, record])))
  const recordAt = (topic: number, offset: number): LogRecord => records[topic].get(offset)!
  checkTenures(world, entries)
  new Places(world, partition, stream, recordAt).check(entries)
  return { partition, stream, entries, recordAt }
}

function checkTenures(world: World, entries: readonly OpenedEntry[]): void {
  let tenure: TenureBegan | null = null
  const authors = authorsOf(world)
  for (const entry of entries) {
    const at = `${entry.stream}@${entry.revision}`
    const author = authors.get(at)!
    if (entry.type === 'TenureBegan') {
      const next = JSON.parse(Buffer.from(entry.data).toString('utf8')) as TenureBegan
      if (next.generation !== (tenure?.generation ?? 0) + 1)
        world.problem(`${at}: generation ${next.generation} follows ${tenure?.generation ?? 0}`)
      tenure = next
    }
    if (tenure !== null && author !== tenure.workerId) {
      world.problem(`${at}: ${entry.type} was written by ${author}, and the tenure is ${tenure.workerId}'s`)
    }
  }
}

function authorsOf({ ledger }: World): ReadonlyMap<string, string> {
  return new Map(ledger.streams.all.map(({ stream, revision }, index) => [`${stream}@${revision}`, ledger.authors[index]]))
}

/** Follows the positions through a journal. */
class Places {
  private next: number[] = RAW_TOPICS.map(() => 0)
  private sequence = 1
  private tickMs = 0

  constructor(
    private readonly world: World,
    private readonly partition: number,
    private readonly stream: string,
    private readonly recordAt: ReadJournal['recordAt'],
  ) {}

  check(entries: readonly OpenedEntry[]): void {
    for (const entry of entries) {
      if (entry.type === 'SegmentOpened') this.begin(entry)
      if (entry.type === 'InputsScreened') this.checkBatch(entry)
    }
    const ends = this.world.endOffsets(this.partition)
    for (const [topic, end] of ends.entries()) {
      if (this.next[topic] !== end) this.tell(`ends at ${RAW_TOPICS[topic]}@${this.next[topic]}, and the log holds records up to ${end}`)
    }
  }

  /** A journal begins where the log does: what was gone before anybody was there to read it is nobody's. */
  private begin({ revision, stream, data }: OpenedEntry): void {
    if (revision !== 0) return this.tell(`@${revision}: a second SegmentOpened`)
    const { nextOffsets } = JSON.parse(Buffer.from(data).toString('utf8')) as { nextOffsets: number[] }
    const author = authorsOf(this.world).get(`${stream}@${revision}`)
    const told = this.world.processes.find(({ name }) => name === author)?.toldStarts
    for (const [topic, offset] of nextOffsets.entries()) {
      const starts = told?.get(RAW_TOPICS[topic]) ?? new Set()
      if (!starts.has(offset))
        this.tell(
          `@${revision}: begins at ${RAW_TOPICS[topic]}@${offset}, and the log told ${author} that it begins at ${[...starts].join(' or ')}`,
        )
    }
    this.next = nextOffsets
  }

  private checkBatch(entry: OpenedEntry): void {
    const batch = decodeInputsScreened(entry.data)
    const at = `@${entry.revision}`
    if (batch.firstSequence !== this.sequence) this.tell(`${at}: sequence ${batch.firstSequence} follows ${this.sequence - 1}`)
    if (batch.tickMs < this.tickMs) this.tell(`${at}: the tick goes back from ${this.tickMs} to ${batch.tickMs}`)
    this.tickMs = batch.tickMs
    const taken = RAW_TOPICS.map((): number[] => [])
    this.sequence += batch.forEachInput((input) => {
      taken[input.topic].push(input.offset)
      this.checkInput(at, input)
    })
    this.checkPositions(at, batch, taken)
  }

  private checkInput(at: string, input: RecordedInput): void {
    const record = this.recordAt(input.topic, input.offset)
    const place = `${at}: ${RAW_TOPICS[input.topic]}@${input.offset}`
    if (record === undefined) this.tell(`${place} is in the journal, and no such record was published`)
    else if (record.brokerTimeMs !== input.brokerTimeMs) this.tell(`${place} has another broker time than was published`)
    else if (input.body !== null ? Buffer.compare(record.value, input.body) !== 0 : !hasDigest(record, input.bodySha256!)) {
      this.tell(`${place} holds other bytes than were published`)
    }
  }

  /** Each topic goes on where it stood, and between the two offsets there is nothing but inputs and labelled gaps. */
  private checkPositions(at: string, batch: InputsScreenedView, taken: readonly (readonly number[])[]): void {
    const moved = new Set<number>()
    for (const { topic, fromOffset, toOffset } of batch.positions) {
      const name = `${at}: ${RAW_TOPICS[topic]}`
      if (fromOffset !== this.next[topic]) this.tell(`${name}: [${fromOffset}, ${toOffset}) follows ${this.next[topic]}`)
      this.next[topic] = toOffset
      moved.add(topic)
      this.checkFilled(name, { offsets: taken[topic], gaps: batch.gaps.filter((gap) => gap.topic === topic), fromOffset, toOffset, topic })
    }
    for (const [topic, offsets] of taken.entries()) {
      if (offsets.length > 0 && !moved.has(topic)) this.tell(`${at}: inputs of ${RAW_TOPICS[topic]} without a position`)
    }
  }

  private checkFilled(
    name: string,
    range: {
      readonly offsets: readonly number[]
      readonly gaps: readonly Gap[]
      readonly fromOffset: number
      readonly toOffset: number
      readonly topic: number
    },
  ): void {
    const { offsets, gaps, fromOffset, toOffset, topic } = range
    const published = this.world.log.contentOf(RAW_TOPICS[topic], this.partition)
    const within = (offset: number): boolean => offset >= fromOffset && offset < toOffset
    const due = published.records.map(({ offset }) => offset).filter(within)
    if (due.join() !== offsets.join()) this.tell(`${name} [${fromOffset}, ${toOffset}): inputs ${offsets.join()}, published ${due.join()}`)
    // A journal may begin in the middle of one that retention cut; a batch takes the rest of it whole.
    const dueGaps = published.gaps
      .filter((gap) => gap.fromOffset < toOffset && gap.toOffset > fromOffset)
      .map((gap) => textOf({ ...gap, fromOffset: Math.max(gap.fromOffset, fromOffset) }))
    if (dueGaps.join() !== gaps.map(textOf).join()) {
      this.tell(`${name} [${fromOffset}, ${toOffset}): gaps ${gaps.map(textOf).join()}, in the log ${dueGaps.join()}`)
    }
  }

  private tell(text: string): void {
    this.world.problem(`${this.stream}${text.startsWith('@') ? '' : ' '}${text}`)
  }
}

function textOf(gap: { readonly fromOffset: number; readonly toOffset: number; readonly reason: string }): string {
  return `[${gap.fromOffset}, ${gap.toOffset}) ${gap.reason}`
}

function hasDigest({ value }: LogRecord, digest: Uint8Array): boolean {
  return createHash('sha256').update(value).digest().equals(digest)
}
