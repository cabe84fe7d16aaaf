import { RAW_TOPICS, partitionFor } from '@riskledger/contracts'
import { encodeRaw, QUARANTINE_REASONS } from '@riskledger/events'
import { emptyInput } from '@riskledger/journal'
import { mutateRecord, type MutatedRecord } from '@riskledger/events/src/testing/mutate-record'
import { MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import { accountBytes } from './admit'
import type { InputToScreen } from './screening-step'
import { IDENTITY, MadeJournal, policyWith } from './testing/made-journal'

const RECORDS = 200_000
const DAY_MS = 86_400_000
const ACCOUNT = 'a-0293'
const BASE_MS = MINIMAL_EVENTS.payments.eventTimeMs

/** An account of another partition. */
function elsewhere(): string {
  for (let i = 0; ; i++) {
    if (partitionFor(Buffer.from(`a-${i}`), 4) !== partitionFor(Buffer.from(ACCOUNT), 4)) return `a-${i}`
  }
}

/** Events of long ago, sent twice, with an id that was used, and of another account: what damage alone does not bring. */
function plainRecords(): MutatedRecord[] {
  const record = (part: object): MutatedRecord => {
    const value = encodeRaw('payments', { ...MINIMAL_EVENTS.payments, ...part }).slice()
    const key = accountBytes(value).slice()
    return { topic: 'payments', key, value, brokerTimeMs: BASE_MS, partitionShift: 0, expected: null }
  }
  const [first, second, third] = [1, 2, 3].map((id) => `0192f3c4-5b6a-7c8d-9e0f-00000000000${id}`)
  const early = record({ eventId: second, eventTimeMs: BASE_MS - DAY_MS })
  return [
    record({ eventId: first }),
    early,
    early,
    record({ eventId: first, amountMinor: 1 }),
    record({ eventId: third, accountId: elsewhere() }),
  ]
}

test('200,000 damaged records: none crashes the step, every status and every reason is reached, each as expected', () => {
  const identity = { ...IDENTITY, partition: partitionFor(Buffer.from(ACCOUNT), 4), partitionCount: 4 }
  const { step } = new MadeJournal({ policy: policyWith(), identity })
  const out = emptyInput()
  const reasons = new Map<string, number>()
  const unexpected: string[] = []
  const input: InputToScreen = {
    topic: 0,
    offset: 0,
    brokerTimeMs: 0,
    orderLagMs: null,
    value: null,
    bodySha256: null,
    bodyLengthBytes: 0,
    keyMismatch: false,
    schemaUnknown: false,
    ahead: -1,
  }
  const take = ({ topic, value, key, brokerTimeMs }: MutatedRecord, offset: number): void => {
    input.topic = RAW_TOPICS.indexOf(topic)
    input.offset = offset
    input.brokerTimeMs = brokerTimeMs
    input.value = value
    input.keyMismatch = key === null || Buffer.compare(key, accountBytes(value)) !== 0
    step.screen(input, out, () => null)
    if (out.reason !== null) reasons.set(out.reason, (reasons.get(out.reason) ?? 0) + 1)
  }
  const plain = plainRecords()
  plain.forEach(take)
  for (let seed = 0; seed < RECORDS; seed++) {
    const record = mutateRecord(seed)
    take(record, plain.length + seed)
    if (record.partitionShift === 1 || record.expected === null) continue
    const asExpected = record.expected === 'none' ? out.status !== 'quarantined' : out.reason === record.expected
    if (!asExpected) unexpected.push(`seed ${seed}: ${record.expected} became ${out.status} ${out.reason}`)
  }
  expect(unexpected.slice(0, 5)).toEqual([])
  expect(Object.values(step.statusCounts).reduce((sum, count) => sum + count)).toBe(RECORDS + plain.length)
  expect(Object.entries(step.statusCounts).filter(([, count]) => count === 0)).toEqual([])
  expect(QUARANTINE_REASONS.filter((reason) => !reasons.has(reason))).toEqual([])
  expect(step.nextSequence).toBe(RECORDS + plain.length + 1)
  expect(step.stateHash()).toMatch(/^[0-9a-f]{64}$/)
}, 600_000)
