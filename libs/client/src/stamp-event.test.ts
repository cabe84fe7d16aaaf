import { RiskError, type ScreenedTopic } from '@riskledger/contracts'
import { validateRaw } from '@riskledger/events'
import { MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import { stampEvent, withIdentity, type EventDraft } from './stamp-event'

const STAMP = { source: 'checkout', nowMs: () => 1_778_697_618_000 }

function draft<Topic extends ScreenedTopic>(topic: Topic): EventDraft<Topic> {
  const { eventId: _id, eventTimeMs: _time, source: _source, ...rest } = MINIMAL_EVENTS[topic]
  return rest as unknown as EventDraft<Topic>
}

test('id, time and source are stamped', () => {
  const event = stampEvent('payments', draft('payments'), STAMP)
  expect(event).toMatchObject({ eventTimeMs: 1_778_697_618_000, source: 'checkout', sourceSequence: null })
  expect(event.eventId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(stampEvent('payments', draft('payments'), STAMP).eventId).not.toBe(event.eventId)
})

test('what is given stays', () => {
  const given = { eventId: '0192f3c4-5b6a-7c8d-9e0f-a1b2c3d4e5f6', eventTimeMs: 5, sourceSequence: 7 }
  expect(stampEvent('payments', { ...draft('payments'), ...given }, STAMP)).toMatchObject(given)
})

test.each<[string, object]>([
  ['a negative amount', { amountMinor: -500 }],
  ['an unknown field', { amount: 3 }],
  ['a hostile token', { accountId: 'a\u202eb' }],
  ['two mistakes', { currency: 'usd', kind: 'theft' }],
])('%s is refused in the words of the server', (_name, part) => {
  const bad = { ...draft('payments'), eventId: '0192f3c4-5b6a-7c8d-9e0f-a1b2c3d4e5f6', ...part } as EventDraft<'payments'>
  const server = validateRaw('payments', { ...bad, eventTimeMs: 1, source: 'checkout' })
  const problems = server.kind === 'rejected' ? server.problems : []
  expect(() => stampEvent('payments', bad, STAMP)).toThrow(
    expect.objectContaining({
      code: 'input-rejected',
      retriable: false,
      message: problems.map(({ message }) => message).join('; '),
      context: { topic: 'payments', field: problems[0].field, code: problems[0].code },
    }),
  )
})

test.each([null, 7, 'payment', []])('%j is no event', (value) => {
  expect(() => stampEvent('payments', value as unknown as EventDraft<'payments'>, STAMP)).toThrow(
    expect.objectContaining({ code: 'input-rejected' }),
  )
})

test('an error that may be tried again names the event, another stays as it is', () => {
  const event = stampEvent('payments', draft('payments'), STAMP)
  const busy = new RiskError('limit-reached', 'later', { retriable: true, context: { status: 429 } })
  expect(withIdentity(busy, event)).toMatchObject({
    retriable: true,
    context: { status: 429, eventId: event.eventId, eventTimeMs: event.eventTimeMs },
  })
  const refused = new RiskError('input-rejected', 'no', { retriable: false })
  expect(withIdentity(refused, event)).toBe(refused)
})
