import type { FastifyInstance, FastifyReply } from 'fastify'
import type { TObject } from '@sinclair/typebox'
import type { EventTopic, Metrics } from '@riskledger/contracts'
import { EVENT_TOPICS, isEventTopic } from '@riskledger/events'
import { eventsBody, responses } from './api-schemas'
import { refusalOfAppend } from './decide'
import type { EventAppender } from './event-appender'
import { Refusal } from './problem'
import { receiptOf, type Receipt } from './receipt'
import { bodyInvalid, countEvents, takeEvents, type EventRecord } from './take-events'

/** What publishing stands on. */
export interface EventRouteParts {
  readonly appender: EventAppender
  readonly schemas: Readonly<Record<EventTopic, TObject>>
  readonly partitionCount: number
  readonly appendTimeoutMs: number
  readonly nowMs: () => number
  readonly metrics: Metrics
}

/** `POST /v1/events/<topic>` for each topic, and `POST /v1/events:validate`, which only looks. */
export function addEventRoutes(app: FastifyInstance, parts: EventRouteParts): void {
  for (const topic of EVENT_TOPICS) {
    const schema = {
      summary: `Publish events of ${topic}`,
      description: 'One event or a list of up to 1,000: all are taken, or none. Taken means durable in the log.',
      body: eventsBody(parts.schemas[topic]),
      response: responses({ 202: 'Receipts' }),
    }
    app.post(`/v1/events/${topic}`, { schema, config: { access: 'publisher' } }, async (request, reply) => {
      if (topic === 'answers') throw onlyTheGateway()
      request.charge(countEvents(request.body))
      const records = takeEvents(topic, request.body, { partitionCount: parts.partitionCount, nowMs: parts.nowMs() })
      return reply.code(202).send(await publish(records, parts))
    })
  }
  const schema = {
    summary: 'Check events without publishing them',
    description: 'Answers as publishing would, but takes nothing.',
    querystring: { type: 'object', properties: { topic: { type: 'string', enum: [...EVENT_TOPICS] } }, required: ['topic'] },
    body: { oneOf: EVENT_TOPICS.map((topic) => eventsBody(parts.schemas[topic])) },
    response: responses({ 200: 'Checked' }),
  }
  app.post('/v1/events::validate', { schema, config: { access: 'publisher' } }, (request, reply): FastifyReply => {
    request.charge(countEvents(request.body))
    const { topic } = request.query as { readonly topic?: unknown }
    if (!isEventTopic(topic))
      throw bodyInvalid('topic', `the query names the topic of the events: ?topic=, one of ${EVENT_TOPICS.join(', ')}`)
    const records = takeEvents(topic, request.body, { partitionCount: parts.partitionCount, nowMs: parts.nowMs() })
    return reply.send({ accepted: records.length })
  })
}

async function publish(
  records: readonly EventRecord[],
  { appender, appendTimeoutMs, metrics }: EventRouteParts,
): Promise<readonly Receipt[]> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    const detail = `The log did not answer within ${appendTimeoutMs} ms. Whether it has the events is not known: send them again, with the same ids.`
    timer = setTimeout(() => reject(new Refusal({ code: 'unavailable', detail, retryAfterSeconds: 1 })), appendTimeoutMs)
  })
  try {
    const offsets = await Promise.race([appender.append(records), late])
    metrics.count('riskledger_gateway_events_total', records.length, { topic: records[0].topic })
    return records.map((record, i) => receiptOf(record, offsets[i]))
  } catch (error) {
    throw refusalOfAppend(error)
  } finally {
    clearTimeout(timer)
  }
}

function onlyTheGateway(): Refusal {
  return new Refusal({
    code: 'forbidden',
    detail: 'What callers were told is published by the gateway alone: answers from elsewhere would prove nothing.',
  })
}
