import { RAW_TOPICS } from '@riskledger/contracts'
import { EVENT_TOPICS, encodeRaw, formatNdjsonLine, readOrigin } from './index'
import { MINIMAL_EVENTS } from './testing/sample-events'

const { eventId, accountId, eventTimeMs, source } = MINIMAL_EVENTS.payments
const NOWHERE = { topic: null, eventId: null, accountId: null, eventTimeMs: null, source: null }

function line(event: object, topic = 'payments'): Uint8Array {
  return Buffer.from(JSON.stringify({ topic, event }))
}

test.each(EVENT_TOPICS)('an event of %s says whose it is and where it comes from, also on another topic and as a line', (topic) => {
  const told = { topic, eventId: MINIMAL_EVENTS[topic].eventId, accountId, eventTimeMs: MINIMAL_EVENTS[topic].eventTimeMs, source }
  const value = encodeRaw(topic, MINIMAL_EVENTS[topic])
  expect(readOrigin(topic, value)).toEqual(told)
  expect(readOrigin(topic === 'payments' ? 'logins' : 'payments', value)).toEqual(told)
  expect(readOrigin('unparsable', Buffer.from(formatNdjsonLine(topic, MINIMAL_EVENTS[topic])))).toEqual(told)
})

test('what is refused further on is told as far as it goes', () => {
  const value = encodeRaw('payments', MINIMAL_EVENTS.payments)
  const cut = (length: number) => readOrigin('payments', value.subarray(0, length))
  expect(cut(value.length - 5)).toMatchObject({ eventId, accountId, eventTimeMs, source })
  expect(cut(41)).toEqual({ topic: 'payments', eventId, accountId, eventTimeMs, source: null })
  expect(cut(30)).toEqual({ topic: 'payments', eventId, accountId: null, eventTimeMs: null, source: null })
  expect(cut(12)).toEqual({ ...NOWHERE, topic: 'payments' })
  expect(cut(9)).toEqual(NOWHERE)
  const hostile = value.slice()
  hostile[28] = 0
  expect(readOrigin('payments', hostile)).toEqual({ topic: 'payments', eventId, accountId: null, eventTimeMs: null, source: null })
})

test.each([
  ['a member that is wrong elsewhere', line({ ...MINIMAL_EVENTS.payments, amountMinor: -5 }), { accountId, source, eventId }],
  ['no topic', line(MINIMAL_EVENTS.payments, 'paiments'), { topic: null, accountId }],
  ['a hostile account', line({ ...MINIMAL_EVENTS.payments, accountId: 'a\u202eb' }), { accountId: null, source }],
  ['an account that is too long', line({ accountId: 'é'.repeat(65) }), { accountId: null }],
  ['an empty account', line({ accountId: '' }), { accountId: null }],
  ['no UUID', line({ eventId: 'seven' }), { eventId: null }],
  ['no time', line({ eventTimeMs: 1.5 }), { eventTimeMs: null }],
  ['a list', Buffer.from('[1]'), NOWHERE],
  ['null', Buffer.from('null'), NOWHERE],
  ['no JSON', Buffer.from('{"topic":"payments","event":{"half":'), NOWHERE],
  ['no UTF-8', Buffer.from([0xff, 0xfe]), NOWHERE],
  ['nothing', Buffer.alloc(0), NOWHERE],
  ['too much', Buffer.from(JSON.stringify({ topic: 'payments', event: { accountId: 'a', more: 'x'.repeat(70_000) } })), NOWHERE],
])('of a line with %s', (_name, value, expected) => {
  expect(readOrigin('unparsable', value)).toMatchObject(expected)
})

test('no bytes make it throw', () => {
  for (const topic of RAW_TOPICS) for (let length = 0; length < 60; length++) readOrigin(topic, Buffer.alloc(length, 0xc3))
})
