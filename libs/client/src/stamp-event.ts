import { randomBytes } from 'node:crypto'
import { RiskError, type EventTopic } from '@riskledger/contracts'
import { uuidV7, validateRaw, type RawEvents, type RawInputs } from '@riskledger/events'

/** The topics that publishers send to; `answers` are the gateway's. */
export type PublishedTopic = Exclude<EventTopic, 'answers'>

/** An event as a publisher gives it: its id, time and number may be left out, and its source is the publisher's to stamp. */
export type EventDraft<Topic extends PublishedTopic> = Omit<RawInputs[Topic], 'eventId' | 'eventTimeMs' | 'source' | 'sourceSequence'> & {
  /** Default: a new UUIDv7. To send the same event again, give id, time and number as they were: an error that may be tried again names them. */
  readonly eventId?: string | undefined
  /** Default: now. Epoch milliseconds, UTC. */
  readonly eventTimeMs?: number | undefined
  /** Default: the next of the source. */
  readonly sourceSequence?: number | null | undefined
}

/** Who stamps, and when. */
export interface Stamp {
  readonly source: string
  readonly nowMs: () => number
}

/**
 * Stamps a draft and checks it against its schema. Throws `input-rejected` with the words that the server would use, and the first field in its context.
 * The number is stamped afterwards, so that a rejected draft uses none up.
 */
export function stampEvent<Topic extends PublishedTopic>(
  topic: Topic,
  draft: EventDraft<Topic>,
  { source, nowMs }: Stamp,
): RawEvents[Topic] {
  const timeMs = nowMs()
  const stamped = isObject(draft)
    ? { ...draft, eventId: draft.eventId ?? uuidV7(timeMs, randomBytes(10)), eventTimeMs: draft.eventTimeMs ?? timeMs, source }
    : draft
  const checked = validateRaw(topic, stamped)
  if (checked.kind === 'accepted') return checked.event
  const [{ field, code }] = checked.problems
  throw new RiskError('input-rejected', checked.problems.map(({ message }) => message).join('; '), {
    retriable: false,
    context: { topic, field, code },
  })
}

/** An error of an event that may be sent again, with what makes it the same event. */
export function withIdentity(error: unknown, { eventId, eventTimeMs, sourceSequence }: RawEvents[PublishedTopic]): unknown {
  if (!(error instanceof RiskError) || !error.retriable) return error
  const context = { ...error.context, eventId, eventTimeMs, sourceSequence }
  return new RiskError(error.code, error.message, { retriable: true, cause: error, context })
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
