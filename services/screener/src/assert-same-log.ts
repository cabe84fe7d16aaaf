import { hash } from 'node:crypto'
import { RiskError, type EventLog, type Ledger, type RawTopic } from '@riskledger/contracts'
import { decodeInputsScreened, peekBackwards, readEntry } from '@riskledger/journal'
import type { JournalFold } from '@riskledger/screening'

/** How far back a topic's last input is looked for, in entries of the journal and in bytes of inputs; of a topic that was silent longer nothing is compared. */
const MAX_ENTRIES = 512
const MAX_BYTES = 4 * 1024 * 1024

/** First byte of a record in Confluent's framing. */
const CONFLUENT_FRAMING = 0
/** Length of its header, and of the one in whose place it stands (single-object encoding). */
const CONFLUENT_HEADER_BYTES = 5
const SINGLE_OBJECT_HEADER_BYTES = 10

/** The last input that a journal took from a topic. */
interface LastInput {
  readonly offset: number
  readonly sequence: number
  /** Plain data of its entry, in which its body lies, unless only the digest of that was kept. */
  readonly data: Uint8Array
  readonly bodyAt: number
  readonly bodyLengthBytes: number
  readonly bodySha256: Uint8Array | null
}

/**
 * Throws `log-replaced`, not retriable, where the log is another than the one that the journal was made from: of each topic the last input among the
 * newest entries is compared, by its bytes or the digest that was kept of them, with the record that the log now holds at its offset. A topic that was deleted and made anew
 * with as many records or more shows nothing else. Not compared is an offset that retention or compaction has taken, or that lies past the log's end: there
 * the position itself is checked when it is read from. Costs one read of the journal's end and one fetch of one record a topic, all at once.
 * Throws what the ledger and the log throw.
 */
export async function assertSameLog(
  fold: JournalFold,
  { ledger, log, partition }: { readonly ledger: Ledger; readonly log: Pick<EventLog, 'fetch'>; readonly partition: number },
): Promise<void> {
  const { topics } = fold.step!.identity
  const last = await lastInputs(fold, ledger)
  const compared = await Promise.allSettled(
    [...last].map(([topic, input]) => assertSameRecord(input, { log, partition, topic: topics[topic] })),
  )
  // None may still be under way when somebody tries again.
  for (const one of compared) if (one.status === 'rejected') throw one.reason
}

/** By number of the topic. */
async function lastInputs(fold: JournalFold, ledger: Ledger): Promise<ReadonlyMap<number, LastInput>> {
  const last = new Map<number, LastInput>()
  const wanted = new Set(fold.nextOffsets.flatMap((offset, topic) => (offset > 0 ? [topic] : [])))
  let entries = 0
  let bytes = 0
  if (wanted.size === 0) return last
  for await (const { recorded } of peekBackwards(ledger, fold.head.stream, fold.head.revision)) {
    if (++entries > MAX_ENTRIES || bytes > MAX_BYTES) break
    if (recorded.type !== 'InputsScreened') continue
    const { data } = readEntry(recorded)
    bytes += data.length
    for (const [topic, input] of lastOfBatch(data, wanted)) {
      last.set(topic, input)
      wanted.delete(topic)
    }
    if (wanted.size === 0) break
  }
  return last
}

function lastOfBatch(data: Uint8Array, wanted: ReadonlySet<number>): ReadonlyMap<number, LastInput> {
  const batch = decodeInputsScreened(data)
  const last = new Map<number, LastInput>()
  if (!batch.positions.some(({ topic }) => wanted.has(topic))) return last
  batch.forEachInput((input, index) => {
    const { topic, offset, bodyAt, bodyLengthBytes, bodySha256 } = input
    if (wanted.has(topic)) last.set(topic, { offset, sequence: batch.firstSequence + index, data, bodyAt, bodyLengthBytes, bodySha256 })
  })
  return last
}

/** Whether the record is the input, as far as can be told. */
function isSame({ data, bodyAt, bodyLengthBytes, bodySha256 }: LastInput, record: Uint8Array): boolean {
  // With a schema registry named since, or not named any more, the same record reads in another framing.
  if (bodySha256 !== null)
    return bodyLengthBytes === lengthReframed(record) || Buffer.compare(hash('sha256', record, 'buffer'), bodySha256) === 0
  const body = data.subarray(bodyAt, bodyAt + bodyLengthBytes)
  if ((body[0] === CONFLUENT_FRAMING) !== (record[0] === CONFLUENT_FRAMING)) return true
  return Buffer.compare(record, body) === 0
}

/** Length of the record in the other framing: all that a digest leaves to tell that by. */
function lengthReframed(record: Uint8Array): number {
  const longer = SINGLE_OBJECT_HEADER_BYTES - CONFLUENT_HEADER_BYTES
  return record.length + (record[0] === CONFLUENT_FRAMING ? longer : -longer)
}

async function assertSameRecord(
  input: LastInput,
  { log, partition, topic }: { readonly log: Pick<EventLog, 'fetch'>; readonly partition: number; readonly topic: RawTopic },
): Promise<void> {
  const { offset, sequence } = input
  const record = await recordAt(log, { topic, partition, offset })
  if (record === null || isSame(input, record)) return
  throw new RiskError(
    'log-replaced',
    `${topic}, partition ${partition}, holds another record at offset ${offset} than the one that the journal took from there as sequence ${sequence}: ` +
      'the topic was deleted and made anew, or this is another log. Nothing was taken from it. Name the log that the journal was made from, restore the topic ' +
      'from a copy with its offsets, or begin new journals under another --prefix.',
    { retriable: false, context: { topic, partition, offset, sequence } },
  )
}

/** Retention took it, or it is damaged: the journal has it, and the next is checked when it is read. */
const NOTHING_THERE: ReadonlySet<string> = new Set(['offset-out-of-range', 'log-corrupt'])

/** The value of the record at this offset, or null where the log holds none there. */
async function recordAt(
  log: Pick<EventLog, 'fetch'>,
  { topic, partition, offset }: { readonly topic: RawTopic; readonly partition: number; readonly offset: number },
): Promise<Uint8Array | null> {
  try {
    const { records } = await log.fetch({ topic, partition, fromOffset: offset, maxRecords: 1, maxBytes: 1 })
    return records.find((record) => record.offset === offset)?.value ?? null
  } catch (error) {
    if (error instanceof RiskError && NOTHING_THERE.has(error.code)) return null
    throw error
  }
}
