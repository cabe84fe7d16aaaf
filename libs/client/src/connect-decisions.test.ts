import { MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import { connectDecisions } from './connect-decisions'
import type { EventDraft } from './stamp-event'

const { eventId: _id, source: _source, ...PAYMENT } = MINIMAL_EVENTS.payments
const DRAFT: EventDraft<'payments'> = PAYMENT
const BROKEN_STORE = { load: () => Promise.resolve(null), save: () => Promise.reject(new Error('disk full')) }

function answering(status: number, body: object): typeof fetch {
  return () => Promise.resolve(new Response(JSON.stringify(body), { status }))
}

test('a store that fails hides no verdict, and is warned of', async () => {
  const warnings: unknown[] = []
  const logger = { warn: (_message: string, fields?: object) => warnings.push(fields) }
  const settings = { url: 'http://gateway', source: 'shop', sequences: BROKEN_STORE, logger, fetch: answering(200, { kind: 'hold' }) }
  const decisions = await connectDecisions(settings)
  expect(await decisions.decide('payments', DRAFT)).toEqual({ kind: 'hold' })
  expect(warnings).toEqual([{ source: 'shop', sequence: 1, saved: 0, reason: 'disk full' }])
})

test('a store that fails hides no refusal', async () => {
  const settings = { url: 'http://gateway', source: 'shop', sequences: BROKEN_STORE, retryForMs: 0, fetch: answering(503, {}) }
  const decisions = await connectDecisions(settings)
  await expect(decisions.decide('payments', DRAFT)).rejects.toMatchObject({
    code: 'log-unavailable',
    context: { sourceSequence: 1, eventId: expect.any(String) },
  })
})
