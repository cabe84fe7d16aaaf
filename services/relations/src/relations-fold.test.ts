import { RAW_TOPICS, type InputStatus, type RawTopic, type RecordedEntry } from '@riskledger/contracts'
import { encodeRaw, type RawEvents } from '@riskledger/events'
import { emptyHead, emptyInput, screeningStream, sealEntry, ZERO_HASH, type JournaledInput, type UnsealedEntry } from '@riskledger/journal'
import { encodeBatch } from '@riskledger/journal/src/testing/journal-arbitraries'
import { decodeCounterpartyFact, DEFAULT_RELATIONS_OPTIONS, type CounterpartyFact } from '@riskledger/relations'
import { alert, DAY, HOUR, NOON, outcome, payment } from '@riskledger/relations/src/testing/events'
import { MemoryLedger } from '@riskledger/testing'
import { ByteReader, ByteWriter } from '@riskledger/windows'
import { RelationsFold } from './relations-fold'

interface Accepted<T extends RawTopic = RawTopic> {
  readonly topic: T
  readonly event: RawEvents[keyof RawEvents]
  readonly status: InputStatus
  /** In a file: its place in the order of time. Null: live. */
  readonly orderLagMs: number | null
}

function inputOf({ topic, event, status, orderLagMs }: Accepted, tickMs: number): JournaledInput {
  const body = encodeRaw(topic as 'payments', event as RawEvents['payments']).slice()
  return {
    ...emptyInput(),
    topic: RAW_TOPICS.indexOf(topic),
    brokerTimeMs: tickMs,
    orderLagMs,
    body,
    bodyLengthBytes: body.length,
    status,
    verdict: status === 'screened' ? 'allow' : null,
  }
}

/** One journal's entries: its opening, and a batch for each list of inputs, an hour after the other from noon on. */
async function journalOf(batches: readonly (readonly Accepted[])[]): Promise<readonly RecordedEntry[]> {
  const ledger = new MemoryLedger()
  const metadata = { engineHash: ZERO_HASH, policyHash: ZERO_HASH }
  const opening = Buffer.from(JSON.stringify({ topics: RAW_TOPICS }))
  let head = emptyHead(screeningStream(0, 0))
  const append = async (entry: Pick<UnsealedEntry, 'type' | 'contentType' | 'data'>): Promise<void> => {
    const sealed = sealEntry(head, { ...entry, metadata })
    await ledger.append(head.stream, head.revision < 0 ? 'no-stream' : head.revision, [sealed.proposed])
    head = sealed.head
  }
  await append({ type: 'SegmentOpened', contentType: 'json', data: opening })
  for (const [hour, batch] of batches.entries()) {
    const tickMs = NOON + hour * HOUR
    const inputs = batch.map((input) => inputOf(input, tickMs))
    const data = encodeBatch({ firstSequence: 1, tickMs, positions: [], gaps: [], facts: [], inputs })
    await append({ type: 'InputsScreened', contentType: 'binary', data })
  }
  return ledger.entriesOf(head.stream)
}

function newFold(): RelationsFold {
  return new RelationsFold({ partitionCount: 1, epochMs: HOUR, state: DEFAULT_RELATIONS_OPTIONS })
}

/** As after a restart from a snapshot. */
function restarted(fold: RelationsFold): RelationsFold {
  const writer = new ByteWriter()
  fold.write(writer)
  const copy = newFold()
  copy.read(new ByteReader(writer.finish()))
  return copy
}

/** The last fact of the shop. */
async function learned(batches: readonly (readonly Accepted[])[]): Promise<CounterpartyFact | undefined> {
  let fold = newFold()
  let fact: CounterpartyFact | undefined
  for (const entry of await journalOf(batches)) {
    for (const { value } of fold.fold(entry)?.learned?.facts ?? []) fact = decodeCounterpartyFact(value)
    fold = restarted(fold)
  }
  return fact
}

const paid = payment(NOON)

test.each([null, 0])('outcomes and alerts count however late, payments do not (order lag %p)', async (orderLagMs) => {
  const late = { status: 'late', orderLagMs } as const
  const fact = await learned([
    [{ topic: 'payments', event: paid, status: 'screened', orderLagMs }],
    [
      { ...late, topic: 'payments', event: payment(NOON - 3 * DAY) },
      { ...late, topic: 'outcomes', event: outcome(NOON - 2 * DAY, paid, { label: 'chargeback' }) },
      { ...late, topic: 'risk-alerts', event: alert(NOON - 2 * DAY, { counterpartyId: 'shop', severity: 700 }) },
    ],
    [],
    [],
  ])
  expect(fact).toMatchObject({ paymentCount: 1, chargebacks: 1, fraudTotal: 1, alertSeverity: 700 })
})
