import { EVENT_TOPICS, encodeField, encodeRaw, RAW_LAYOUTS, rawHeader, toHex } from '../index'
import { FULL_EVENTS, MINIMAL_EVENTS } from '../testing/sample-events'

describe.each(EVENT_TOPICS)('%s', (topic) => {
  test.each([
    ['smallest', MINIMAL_EVENTS[topic]],
    ['fullest', FULL_EVENTS[topic]],
  ])('the fields of the %s event one by one are the bytes that its codec writes', (_which, event) => {
    const values = withoutItems(event as unknown as Readonly<Record<string, unknown>>)
    let rest = toHex(encodeRaw(topic, values as never))
    const take = (bytes: Uint8Array): void => {
      expect(rest.startsWith(toHex(bytes))).toBe(true)
      rest = rest.slice(2 * bytes.length)
    }
    take(rawHeader(topic))
    for (const field of RAW_LAYOUTS[topic]) {
      if (field.type.kind === 'other') {
        expect(() => encodeField(field, values[field.name])).toThrow(`${field.name} is a list, a map or a record`)
        take(Uint8Array.of(0))
      } else take(encodeField(field, values[field.name]))
    }
    expect(rest).toBe('')
  })

  test('a value that its codec refuses is refused alone in the same words', () => {
    const values = MINIMAL_EVENTS[topic] as unknown as Readonly<Record<string, unknown>>
    for (const field of RAW_LAYOUTS[topic]) {
      if (field.type.kind === 'other') continue
      const wrong = field.type.kind === 'integer' ? field.type.maximum + 0.5 : 7
      const message = messageOf(() => encodeRaw(topic, { ...values, [field.name]: wrong } as never))
      expect(message).toContain(field.name)
      expect(messageOf(() => encodeField(field, wrong))).toBe(message)
    }
  })
})

/** Every list and map empty: then each is one byte. */
function withoutItems(event: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const empty = (value: unknown): unknown => (Array.isArray(value) ? [] : typeof value === 'object' && value !== null ? {} : value)
  return Object.fromEntries(Object.entries(event).map(([name, value]) => [name, empty(value)]))
}

function messageOf(attempt: () => unknown): string {
  try {
    attempt()
  } catch (error) {
    return (error as Error).message
  }
  return 'nothing was refused'
}
