import type { EventLog, ScreenedTopic } from '@riskledger/contracts'
import { fallbackVerdict, type FallbackPolicy } from '@riskledger/policy'
import type { FastifyInstance } from 'fastify'
import { digestOf, receiptOf, recordOf } from './receipt'
import { takeQuestion } from './take-question'

/** What is warmed. */
export interface WarmUpOptions {
  readonly log: EventLog
  readonly fallback: FallbackPolicy
  readonly partitionCount: number
  readonly nowMs: number
}

/** Questions that are made ready and thrown away: enough that the code on their way is compiled and its validators are there. */
const ROUNDS = 50

/**
 * Goes the way of a first question before anybody asks one, so that the first caller of a cold process is not the one who waits for it: the server's hooks and
 * routes are made ready, questions are read, checked and encoded, and each partition of the log is asked for its end, which opens the connections.
 * Publishes nothing. A log that does not answer keeps nobody from starting.
 */
export async function warmUp(app: FastifyInstance, { log, fallback, partitionCount, nowMs }: WarmUpOptions): Promise<void> {
  await app.ready()
  await app.inject({ method: 'GET', url: '/health/live' })
  for (let round = 0; round < ROUNDS; round++) {
    const { topic, event } = takeQuestion(JSON.parse(EXAMPLE) as unknown, 1)
    const record = recordOf<ScreenedTopic>(topic, event, { partitionCount, nowMs })
    digestOf(record)
    JSON.stringify({ ...receiptOf(record, 0), kind: fallbackVerdict(fallback, { ...event, topic }) })
  }
  // A log that does not answer now is for readiness to tell.
  await Promise.allSettled(Array.from({ length: partitionCount }, (_, partition) => log.range('payments', partition)))
}

const EXAMPLE = JSON.stringify({
  topic: 'payments',
  event: {
    eventId: '00000000-0000-7000-8000-000000000000',
    accountId: 'warm-up',
    eventTimeMs: 0,
    source: 'gateway',
    paymentId: 'warm-up',
    kind: 'purchase',
    phase: 'requested',
    direction: 'debit',
    amountMinor: 1,
    currency: 'USD',
    amountReferenceMinor: 1,
    counterpartyId: 'warm-up',
    counterpartyKind: 'merchant',
    method: 'card',
    payerNameMatch: 'unknown',
  },
})
