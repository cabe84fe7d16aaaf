import { RiskError, type EventTopic, type ProposedRecord } from '@riskledger/contracts'
import { validateRaw, type RawEvents } from '@riskledger/events'
import { MAX_BATCH_EVENTS } from './gateway-options'
import { MAX_PROBLEM_ITEMS, Refusal, type ProblemItem } from './problem'
import { recordOf } from './receipt'

/** A record on its way into the log, of a topic that carries events. */
export type EventRecord = ProposedRecord & { readonly topic: EventTopic }

/** How many events a body holds that is one event or a list of 1 to 1,000. Throws `Refusal` for a list that holds none or more. */
export function countEvents(body: unknown): number {
  if (!Array.isArray(body)) return 1
  if (body.length === 0 || body.length > MAX_BATCH_EVENTS)
    throw bodyInvalid('', `the body is a list of ${body.length} events; a list has 1 to ${MAX_BATCH_EVENTS}`)
  return body.length
}

/**
 * The records of a body that holds one event or a list of 1 to 1,000: all of them, or a `Refusal` that names index, field and reason of everything that
 * is wrong.
 */
export function takeEvents(
  topic: EventTopic,
  body: unknown,
  place: { readonly partitionCount: number; readonly nowMs: number },
): readonly EventRecord[] {
  countEvents(body)
  const list = Array.isArray(body) ? (body as readonly unknown[]) : null
  const errors: ProblemItem[] = []
  const records: EventRecord[] = []
  let found = 0
  ;(list ?? [body]).forEach((json, index) => {
    const at = list === null ? {} : { index }
    const problems = checkedRecord(topic, json, place, (record) => records.push(record))
    found += problems.length
    for (const problem of problems) if (errors.length < MAX_PROBLEM_ITEMS) errors.push({ ...at, ...problem })
  })
  if (errors.length === 0) return records
  const more = found > errors.length ? ` The first ${errors.length} are listed.` : ''
  const detail =
    list === null
      ? `The event is not as the schema of ${topic} says: ${errors[0].reason}.`
      : `${found} things are wrong with this batch of ${list.length} events of ${topic}, first in event ${errors[0].index}: ${errors[0].reason}. None was published.`
  throw new Refusal({ code: 'event-rejected', detail: detail + more, errors })
}

function checkedRecord(
  topic: EventTopic,
  json: unknown,
  place: { readonly partitionCount: number; readonly nowMs: number },
  take: (record: EventRecord) => void,
): readonly Omit<ProblemItem, 'index'>[] {
  const checked = validateRaw(topic, json)
  if (checked.kind === 'rejected') return checked.problems.map(({ field, code, message }) => ({ field, code, reason: message }))
  try {
    take(recordOf(topic, checked.event, place))
    return []
  } catch (error) {
    if (!(error instanceof RiskError) || error.code !== 'record-too-large') throw error
    return [{ field: '', code: 'oversized', reason: error.message }]
  }
}

/** The event of a topic that a body holds. Throws `Refusal`; fields are named within `event`. */
export function takeEvent<Topic extends EventTopic>(topic: Topic, json: unknown): RawEvents[Topic] {
  const checked = validateRaw(topic, json)
  if (checked.kind === 'accepted') return checked.event
  const errors = checked.problems.map(({ field, code, message }) => ({
    field: field === '' ? 'event' : `event.${field}`,
    code,
    reason: message,
  }))
  throw new Refusal({ code: 'event-rejected', detail: `The event is not as the schema of ${topic} says: ${errors[0].reason}.`, errors })
}

/** A body that is JSON of another form. */
export function bodyInvalid(field: string, reason: string, code = 'wrong-form'): Refusal {
  return new Refusal({ code: 'body-invalid', detail: `The body has another form: ${reason}.`, errors: [{ field, code, reason }] })
}
