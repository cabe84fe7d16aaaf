import type { FastifyInstance } from 'fastify'
import type { TObject } from '@sinclair/typebox'
import type { EventTopic } from '@riskledger/contracts'
import { uuidBytes, uuidText } from '@riskledger/events'
import { questionBody, responses } from './api-schemas'
import { decide, type DecideParts } from './decide'
import type { LookUp } from './look-up'
import { Refusal } from './problem'
import { eventKey, type Outcome } from './recent-verdicts'
import { takeQuestion } from './take-question'

/** What asking stands on. */
export interface DecisionRouteParts extends DecideParts {
  readonly lookUp: LookUp
  readonly schemas: Readonly<Record<EventTopic, TObject>>
  readonly defaultDeadlineMs: number
}

/** `POST /v1/decisions` asks for a verdict, `GET /v1/decisions/{eventId}` reads one. */
export function addDecisionRoutes(app: FastifyInstance, parts: DecisionRouteParts): void {
  const asking = {
    summary: 'Publish an event and wait for its verdict',
    description: "Past the deadline the policy's fallback is told, and said to be one. The same event again gets the first verdict.",
    body: questionBody(parts.schemas, parts.defaultDeadlineMs),
    response: responses({ 200: 'Decision' }),
  }
  app.post('/v1/decisions', { schema: asking, config: { access: 'publisher' } }, async (request) => {
    const question = takeQuestion(request.body, parts.defaultDeadlineMs)
    return decide(parts, { ...question, askedAtMs: request.startedAtMs })
  })

  const reading = {
    summary: 'Read what the journal says of an event',
    description: 'From memory, else from the newest part of the ledger.',
    params: { type: 'object', properties: { eventId: { type: 'string', format: 'uuid' } }, required: ['eventId'] },
    response: responses({ 200: 'RecordedDecision' }),
  }
  app.get('/v1/decisions/:eventId', { schema: reading, config: { access: 'reader' } }, async (request) => {
    request.charge(1)
    const { eventId } = request.params as { readonly eventId: string }
    const id = idBytes(eventId)
    const known = parts.recent.get(eventKey(id, 0))
    if (known !== undefined) return recorded(uuidText(id, 0), known.outcome)
    const search = await parts.lookUp.ofEvent(uuidText(id, 0), () => request.raw.socket.destroyed)
    if (search.kind === 'found') return recorded(uuidText(id, 0), search.outcome)
    const where = search.whole ? 'The journal has' : 'The newest part of the journal has'
    const next = search.whole ? '' : ' riskledger explain looks through all of it.'
    throw new Refusal({ code: 'not-found', detail: `${where} no payment, login or trade with the event id ${eventId}.${next}` })
  })
}

function idBytes(text: string): Uint8Array {
  try {
    return uuidBytes(text)
  } catch {
    const reason = `eventId is ${JSON.stringify(text.slice(0, 80))}; it is a UUID such as 0192f3c4-5b6a-7c8d-9e0f-a1b2c3d4e5f6`
    throw new Refusal({ code: 'request-invalid', detail: `${reason}.`, errors: [{ field: 'eventId', code: 'invalid-uuid', reason }] })
  }
}

function recorded(eventId: string, outcome: Outcome): object {
  const { topic, status, verdict, scorePoints, reasonCodes, decisionId, partition, sequence, lateByMs, reason } = outcome
  return {
    eventId,
    topic,
    status,
    kind: verdict,
    scorePoints,
    reasonCodes,
    decisionId,
    partition,
    sequence,
    lateByMs,
    quarantineReason: reason,
  }
}
