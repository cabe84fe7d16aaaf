import { RiskError, type InputStatus, type Ledger, type RawTopic, type Verdict } from '@riskledger/contracts'
import { decodeRaw, uuidText } from '@riskledger/events'
import { decodeInputsScreened, screeningStream, type JournaledInput, type OpenedEntry } from '@riskledger/journal'
import { accountBytes } from '@riskledger/screening'
import { openedEntries } from './read-journals'

/** Where the event id stands in a framed record: after the header of ten bytes. */
const EVENT_ID_AT = 10
const EVENT_ID_END = 26

/** One input as an export shows it: what came in, and what became of it. */
export interface InputRow {
  /** Place in its partition's journal, from 1. */
  readonly sequence: number
  readonly topic: RawTopic
  /** Null where no event could be read. */
  readonly eventId: string | null
  readonly accountId: string | null
  readonly status: InputStatus
  readonly verdict: Verdict | null
  /** 0 to 1000; null for what is not scored. */
  readonly score: number | null
  /** Reason codes of the decision, weightiest first; of a quarantined input, why. */
  readonly reasons: readonly string[]
  readonly partition: number
  readonly offset: number
  readonly lateByMs: number | null
  /** Of a duplicate or conflicting input: the sequence under which its id came first. */
  readonly firstSequence: number | null
}

type OpenRow = { -readonly [Field in keyof InputRow]: InputRow[Field] }

/**
 * Every input of every partition in the journal's order, as batches of rows. Each entry is checked against the chain; throws `ledger-corrupt`.
 * A partition without a journal has no rows.
 */
export async function* inputRows(
  ledger: Ledger,
  options: { readonly partitions: number; readonly environment: string },
): AsyncGenerator<readonly InputRow[], void, undefined> {
  for (let partition = 0; partition < options.partitions; partition++) {
    try {
      yield* rowsOf(ledger, screeningStream(partition, 0, options.environment), partition)
    } catch (error) {
      if (!(error instanceof RiskError) || error.code !== 'stream-not-found') throw error
    }
  }
}

/** Decisions follow the inputs that they decide, so a batch of rows is whole at the next entry of another type. */
async function* rowsOf(ledger: Ledger, stream: string, partition: number): AsyncGenerator<readonly InputRow[], void, undefined> {
  let topics: readonly RawTopic[] = []
  let rows: OpenRow[] = []
  for await (const entry of openedEntries(ledger, stream)) {
    if (entry.type === 'DecisionMade') {
      const { sequence, reasonCodes } = readJson(entry) as { sequence: number; reasonCodes: string[] }
      const row = rows.length === 0 ? undefined : rows[sequence - rows[0].sequence]
      if (row !== undefined) row.reasons = reasonCodes
      continue
    }
    if (rows.length > 0) yield rows
    rows = []
    if (entry.type === 'SegmentOpened') topics = (readJson(entry) as { topics: RawTopic[] }).topics
    if (entry.type === 'InputsScreened') rows = rowsOfBatch(entry, topics, partition)
  }
  if (rows.length > 0) yield rows
}

function rowsOfBatch(entry: OpenedEntry, topics: readonly RawTopic[], partition: number): OpenRow[] {
  const batch = decodeInputsScreened(entry.data)
  const rows: OpenRow[] = []
  batch.forEachInput((input, index) => {
    const topic = topics[input.topic]
    const { eventId, accountId } = identityOfInput(topic, input)
    rows.push({
      sequence: batch.firstSequence + index,
      topic,
      eventId,
      accountId,
      status: input.status,
      verdict: input.verdict,
      score: input.status === 'screened' || (input.status === 'late' && isScreened(topic)) ? input.scorePoints : null,
      reasons: input.reason === null ? [] : [input.reason],
      partition,
      offset: input.offset,
      lateByMs: input.lateByMs,
      firstSequence: input.firstSequence,
    })
  })
  return rows
}

/** True for the topics whose events get a verdict. */
export function isScreened(topic: RawTopic): boolean {
  return topic === 'payments' || topic === 'logins' || topic === 'p2p-trades'
}

/** Event and account of an input; null where its bytes tell none, or were not kept. */
export function identityOfInput(
  topic: RawTopic,
  input: JournaledInput,
): { readonly eventId: string | null; readonly accountId: string | null } {
  const { body } = input
  if (body === null || topic === 'unparsable') return { eventId: null, accountId: null }
  // What was not quarantined has been decoded before: its id and account stand at their places.
  if (input.status === 'quarantined' && decodeRaw(topic, body).kind === 'rejected') return { eventId: null, accountId: null }
  const account = accountBytes(body)
  return {
    eventId: body.length < EVENT_ID_END ? null : uuidText(body, EVENT_ID_AT),
    accountId: Buffer.from(account.buffer, account.byteOffset, account.length).toString('utf8'),
  }
}

/** The 16 bytes of a framed record's event id: a view. */
export function eventIdBytes(body: Uint8Array): Uint8Array {
  return body.subarray(EVENT_ID_AT, EVENT_ID_END)
}

function readJson(entry: OpenedEntry): unknown {
  return JSON.parse(Buffer.from(entry.data).toString('utf8'))
}
