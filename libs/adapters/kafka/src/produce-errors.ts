import assert from 'node:assert'
import { RiskError } from '@riskledger/contracts'
import { accessFailureIn } from './access-failure'
import { describeErrorCode } from './kafkajs-internals'
import type { ProduceQueue } from './produce-queue'

const MESSAGE_TOO_LARGE = 10

/** Kafka's error as one of ours, to be told as a cause. */
export function errorOf(code: number): Error {
  const { type, message } = describeErrorCode(code)
  return new Error(`${type}: ${message}`)
}

/** A batch that the broker will never take. */
export function refusalOf({ topic, partition, first }: ProduceQueue, errorCode: number): RiskError {
  assert(errorCode !== 0, 'a refusal has a code')
  const { type, message } = describeErrorCode(errorCode)
  const context = { topic, partition, error: type, records: first.builder.count, bytes: first.builder.bytes }
  if (errorCode === MESSAGE_TOO_LARGE)
    return new RiskError(
      'record-too-large',
      `A batch of ${first.builder.count} records and ${first.builder.bytes} bytes is too large for ${topic}: raise its max.message.bytes, or lower maxBatchBytes.`,
      { retriable: false, context },
    )
  return new RiskError('log-unavailable', `The broker refuses records for ${topic}, partition ${partition}: ${type}, ${message}.`, {
    retriable: false,
    context,
  })
}

/** A batch that was not acknowledged in time: nobody knows whether it is there. */
export function unacknowledged(
  { topic, partition }: ProduceQueue,
  { cause, deliveryTimeoutMs }: { readonly cause: unknown; readonly deliveryTimeoutMs: number },
): RiskError {
  const access = accessFailureIn(cause)
  const detail = access !== null ? `: ${access.what}. ${access.lookAt}` : cause instanceof Error ? `: ${cause.message}` : ''
  return new RiskError(
    'log-unavailable',
    `Records for ${topic}, partition ${partition}, were not acknowledged within ${deliveryTimeoutMs} ms${detail}. ` +
      'They may be there or may yet come; sent again they are told as duplicates by their eventId.',
    { retriable: true, cause, context: { topic, partition } },
  )
}
