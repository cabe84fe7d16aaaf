import { decodeRaw, EVENT_TOPICS, EventViews, eventTimeOf, spanText } from './index'
import { mutateRecord } from './testing/mutate-record'

const RECORDS = 6_000

/** Every field of the event that the view shows, read through its getters. */
function shown(view: object, event: object): Record<string, unknown> {
  return Object.fromEntries(Object.keys(event).map((name) => [name, (view as Record<string, unknown>)[name]]))
}

test('a view shows what decodeRaw decodes and refuses what it rejects, damaged records of all topics included', () => {
  const views = new EventViews()
  const met = new Map<string, number>()
  for (let seed = 0; seed < RECORDS; seed++) {
    const { topic, value } = mutateRecord(seed)
    if (topic === 'unparsable') continue
    const decoded = decodeRaw(topic, value)
    const view = views.read(topic, value)
    expect(view === null).toBe(decoded.kind === 'rejected')
    if (view === null || decoded.kind === 'rejected') continue
    met.set(topic, (met.get(topic) ?? 0) + 1)
    expect(shown(view, decoded.event)).toEqual(decoded.event)
    expect(spanText(view.bytes, view.accountIdSpan, false)).toBe(decoded.event.accountId)
    expect(eventTimeOf(topic, value)).toBe(decoded.event.eventTimeMs)
  }
  expect([...met.keys()].sort()).toEqual([...EVENT_TOPICS].sort())
})
