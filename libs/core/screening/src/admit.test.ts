import { partitionFor, type EventTopic, type LogRecord } from '@riskledger/contracts'
import { encodeRaw } from '@riskledger/events'
import { decodeInputsScreened, type JournaledInput } from '@riskledger/journal'
import type { AcceptedPolicy } from '@riskledger/policy'
import { FULL_EVENTS, MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import { accountBytes } from './admit'
import { IDENTITY, liveRecord, MadeJournal, policyWith } from './testing/made-journal'
import { mergeItem } from './topic-merge'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const NOW_MS = 1_778_697_618_000
const POLICY = policyWith([[/ratePpm: 500/, 'ratePpm: 0']])

interface Given {
  readonly id?: number
  readonly topic?: EventTopic
  readonly account?: string
  readonly atMs?: number
  readonly brokerTimeMs?: number
  readonly key?: Uint8Array | null
  readonly part?: object
}

function idOf(id: number): string {
  return `0192f3c4-5b6a-7c8d-9e0f-${String(id).padStart(12, '0')}`
}

/** Screens the records one by one and gives what the journal says of each. */
function statusesOf(given: readonly (Given | LogRecord)[], policy: AcceptedPolicy = POLICY, identity = IDENTITY): JournaledInput[] {
  const journal = new MadeJournal({ policy, identity })
  given.forEach((one, offset) => {
    const record = 'value' in one ? one : recordOf(one, offset)
    journal.screen({ items: [mergeItem(record)], gaps: [], tickMs: undefined })
  })
  expect(journal.fold().firstMismatch).toBeNull()
  const inputs: JournaledInput[] = []
  for (const entry of journal.entries) {
    if (entry.type === 'InputsScreened') decodeInputsScreened(entry.data).forEachInput((input) => inputs.push({ ...input }))
  }
  return inputs
}

function recordOf(
  { id = 1, topic = 'payments', account = 'a-1', atMs = NOW_MS, brokerTimeMs, key, part }: Given,
  offset: number,
): LogRecord {
  const event = { ...MINIMAL_EVENTS[topic], ...part, eventId: idOf(id), accountId: account, eventTimeMs: atMs }
  const record = liveRecord(topic, event as (typeof MINIMAL_EVENTS)[typeof topic], offset)
  return { ...record, brokerTimeMs: brokerTimeMs ?? record.brokerTimeMs, key: key === undefined ? record.key : key }
}

const short = ({ status, reason, lateByMs, firstSequence, verdict }: JournaledInput) => ({
  status,
  reason,
  lateByMs,
  firstSequence,
  verdict,
})
const NOTHING = { reason: null, lateByMs: null, firstSequence: null, verdict: null }

describe('status', () => {
  test.each<[EventTopic, string]>([
    ['payments', 'screened'],
    ['logins', 'screened'],
    ['p2p-trades', 'screened'],
    ['risk-alerts', 'observed'],
    ['liveness-results', 'observed'],
    ['outcomes', 'observed'],
    ['account-profiles', 'observed'],
    ['case-actions', 'observed'],
    ['answers', 'observed'],
  ])('%s are %s; only what is screened has a verdict', (topic, status) => {
    const [input] = statusesOf([{ topic }])
    expect(input.status).toBe(status)
    expect(input.verdict === null).toBe(status === 'observed')
  })

  test('given an event, when the same bytes come again, then they are a duplicate that points at the first', () => {
    const inputs = statusesOf([{ id: 1 }, { id: 2 }, { id: 1 }, { id: 1 }, { id: 2 }])
    expect(inputs.map(short).slice(2)).toEqual([
      { ...NOTHING, status: 'duplicate', firstSequence: 1 },
      { ...NOTHING, status: 'duplicate', firstSequence: 1 },
      { ...NOTHING, status: 'duplicate', firstSequence: 2 },
    ])
  })

  test('the very first event of a partition is remembered too, over a later one', () => {
    const inputs = statusesOf([{ id: 1 }, { id: 2, atMs: NOW_MS + DAY_MS }, { id: 1, brokerTimeMs: NOW_MS + DAY_MS }])
    expect(short(inputs[2])).toEqual({ ...NOTHING, status: 'duplicate', firstSequence: 1 })
  })

  test('given an event, when its id comes with other bytes, on another topic or of another account, then it is conflicting', () => {
    const inputs = statusesOf([{ id: 1 }, { id: 1, part: { amountMinor: 1 } }, { id: 1, topic: 'logins' }, { id: 1, account: 'a-2' }])
    expect(inputs.slice(1).map(short)).toEqual(Array.from({ length: 3 }, () => ({ ...NOTHING, status: 'conflicting', firstSequence: 1 })))
  })

  test('a conflicting or duplicate event leaves the memory as it was', () => {
    const inputs = statusesOf([{ id: 1 }, { id: 1, part: { amountMinor: 1 } }, { id: 1, part: { amountMinor: 1 } }, { id: 1 }])
    expect(inputs.map(({ status }) => status)).toEqual(['screened', 'conflicting', 'conflicting', 'duplicate'])
  })

  test('past the dedupe horizon an id is new again', () => {
    const inputs = statusesOf([
      { id: 1 },
      { id: 2, atMs: NOW_MS + 7 * DAY_MS },
      { id: 1, atMs: NOW_MS + 7 * DAY_MS },
      { id: 3, atMs: NOW_MS + 8 * DAY_MS },
      { id: 2, atMs: NOW_MS + 7 * DAY_MS },
    ])
    expect(inputs.map(({ status }) => status)).toEqual(['screened', 'screened', 'conflicting', 'screened', 'duplicate'])
    const later = statusesOf([{ id: 1 }, { id: 2, atMs: NOW_MS + 7 * DAY_MS + 1 }, { id: 1, atMs: NOW_MS + 7 * DAY_MS }])
    expect(later.map(({ status }) => status)).toEqual(['screened', 'screened', 'screened'])
  })

  test('given a newer event, one older than the grace is late by its age and has no verdict; one at the grace is not', () => {
    const inputs = statusesOf([
      { id: 1 },
      { id: 2, atMs: NOW_MS - HOUR_MS },
      { id: 3, atMs: NOW_MS - HOUR_MS - 1 },
      { id: 4, topic: 'risk-alerts', atMs: NOW_MS - 3 * HOUR_MS },
    ])
    expect(inputs.map(short)).toEqual([
      { ...NOTHING, status: 'screened', verdict: inputs[0].verdict },
      { ...NOTHING, status: 'screened', verdict: inputs[1].verdict },
      { ...NOTHING, status: 'late', lateByMs: HOUR_MS + 1 },
      { ...NOTHING, status: 'late', lateByMs: 3 * HOUR_MS },
    ])
  })

  test('past the bound on ids of an account an event is taken, and says that its id was not checked', () => {
    const policy = policyWith([[/dedupeMaxIdsPerAccount: 20000/, 'dedupeMaxIdsPerAccount: 2']])
    const inputs = statusesOf([{ id: 1 }, { id: 2 }, { id: 3 }, { id: 3 }, { id: 1 }], policy)
    expect(inputs.map(({ status, dedupeUnchecked }) => [status, dedupeUnchecked])).toEqual([
      ['screened', false],
      ['screened', false],
      ['screened', true],
      ['screened', true],
      ['duplicate', false],
    ])
  })
})

describe('quarantine', () => {
  test('an event from the future is refused, up to the tolerated skew it is not', () => {
    const inputs = statusesOf([
      { id: 1, atMs: NOW_MS + 300_000, brokerTimeMs: NOW_MS },
      { id: 2, atMs: NOW_MS + 300_001, brokerTimeMs: NOW_MS },
      { id: 3, brokerTimeMs: NOW_MS },
    ])
    expect(inputs.map(({ status, reason }) => [status, reason])).toEqual([
      ['screened', null],
      ['quarantined', 'future-event'],
      ['screened', null],
    ])
  })

  test('a key that is not the account, or none, is refused', () => {
    const inputs = statusesOf([
      { id: 1, key: Buffer.from('a-2') },
      { id: 2, key: null },
      { id: 3, key: Buffer.from('a-12') },
    ])
    for (const input of inputs) expect([input.status, input.reason]).toEqual(['quarantined', 'key-mismatch'])
  })

  test('what is refused is not remembered: the same event, sent right, is screened', () => {
    const inputs = statusesOf([{ id: 1, key: null }, { id: 1 }])
    expect(inputs.map(({ status }) => status)).toEqual(['quarantined', 'screened'])
  })

  test('an account of another partition is refused', () => {
    const accounts = Array.from({ length: 40 }, (_, i) => `account-${i}`)
    const inputs = statusesOf(
      accounts.map((account, id) => ({ id, account })),
      POLICY,
      { ...IDENTITY, partition: 2, partitionCount: 4 },
    )
    inputs.forEach((input, index) => {
      const own = partitionFor(Buffer.from(accounts[index]), 4) === 2
      expect([input.status, input.reason]).toEqual(own ? ['screened', null] : ['quarantined', 'mispartitioned'])
    })
    expect(inputs.some(({ status }) => status === 'screened')).toBe(true)
  })

  test('a record over 64 KiB is kept as its digest and length', () => {
    const value = new Uint8Array(65_537)
    const [input] = statusesOf([
      { topic: 'payments', partition: 0, offset: 0, brokerTimeMs: NOW_MS, orderTimeMs: undefined, key: null, value },
    ])
    expect(input).toMatchObject({ status: 'quarantined', reason: 'oversized', body: null, bodyLengthBytes: 65_537 })
    expect(input.bodySha256).toHaveLength(32)
  })
})

test("the account's bytes are found whatever the length of its id", () => {
  for (const length of [1, 2, 63, 64, 65, 127, 128]) {
    const accountId = 'x'.repeat(length)
    const value = encodeRaw('payments', { ...FULL_EVENTS.payments, accountId })
    expect(Buffer.from(accountBytes(value)).toString()).toBe(accountId)
  }
  for (let length = 0; length < 40; length++) expect(accountBytes(new Uint8Array(length).fill(0xff)).length).toBeLessThanOrEqual(length)
})
