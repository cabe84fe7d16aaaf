import type { ScreenedTopic } from '@riskledger/contracts'
import type { RawEvents } from '@riskledger/events'
import { DEADLINE_MS } from './gateway-options'
import { bodyInvalid, takeEvent } from './take-events'

/** The topics whose events get a verdict. */
export const SCREENED_TOPICS: readonly ScreenedTopic[] = ['payments', 'logins', 'p2p-trades']

const MEMBERS = ['topic', 'event', 'deadlineMs']

/** What a caller asks. */
export interface AskedQuestion {
  readonly topic: ScreenedTopic
  readonly event: RawEvents[ScreenedTopic]
  readonly deadlineMs: number
}

/** Reads `{ "topic": ..., "event": ..., "deadlineMs"?: ... }`. Throws `Refusal`, naming the field, for any other form. */
export function takeQuestion(body: unknown, defaultDeadlineMs: number): AskedQuestion {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw bodyInvalid('', 'it is an object { "topic": ..., "event": ..., "deadlineMs": ... }')
  for (const name of Object.keys(body)) {
    if (!MEMBERS.includes(name))
      throw bodyInvalid(name, `${JSON.stringify(name.slice(0, 80))} is no member of it; it has ${MEMBERS.join(', ')} alone`)
  }
  const { topic, event, deadlineMs = defaultDeadlineMs } = body as Readonly<Record<string, unknown>>
  if (!isScreened(topic)) {
    const given = typeof topic === 'string' ? JSON.stringify(topic.slice(0, 80)) : topic === undefined ? 'missing' : 'no text'
    throw bodyInvalid('topic', `topic is ${given}; verdicts are given for ${SCREENED_TOPICS.join(', ')}`)
  }
  const { least, most } = DEADLINE_MS
  if (typeof deadlineMs !== 'number' || !Number.isInteger(deadlineMs) || deadlineMs < least || deadlineMs > most)
    throw bodyInvalid('deadlineMs', `deadlineMs is a whole number from ${least} to ${most}`, 'out-of-range')
  return { topic, event: takeEvent(topic, event), deadlineMs }
}

function isScreened(topic: unknown): topic is ScreenedTopic {
  return (SCREENED_TOPICS as readonly unknown[]).includes(topic)
}
