import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type EventTopic, RAW_TOPICS } from '@riskledger/contracts'
import { decodeRaw, EVENT_TOPICS, type FieldLayout, RAW_LAYOUTS } from '@riskledger/events'
import fc from 'fast-check'
import { compileMapping } from '../compile-mapping'
import { splitCsvRow } from '../csv-row'
import { EmissionBlock } from '../emission-block'
import { type Condition, type EventRule, type FieldRule, type Mapping, parseMapping } from '../mapping'
import { emissionsOf } from '../testing/emissions-of'
import { PlainRow } from './plain-row'
import { RowEncoder } from './row-encoder'

/** A column for each sort of value, most of them good. */
const VALUES: Readonly<Record<string, fc.Arbitrary<string>>> = {
  id: fc.oneof(
    { weight: 8, arbitrary: fc.nat(99_999).map(String) },
    { weight: 1, arbitrary: fc.constantFrom('', ' ', 'x'.repeat(40), 'y'.repeat(61), 'z'.repeat(90), 'w'.repeat(200)) },
  ),
  whole: fc.oneof(
    fc.nat(2_000).map(String),
    fc.constantFrom('0', '-0', '-7', '007', '9007199254740991', '9007199254740992', '1.0', '', 'x'),
  ),
  decimal: fc.oneof(
    fc.nat(99_999).map((units) => `${Math.floor(units / 100)}.${units % 100}`),
    fc.constantFrom('-3.5', '', '1.005', '2'),
  ),
  time: fc.oneof(
    fc.nat(400_000_000).map((seconds) => new Date(1_200_000_000_000 + seconds * 1000).toISOString().slice(0, 19)),
    fc.constantFrom('2018-03-25 01:30', '2018-10-28 01:30:00.5', '2018-04-01 00:00:00Z', '1969-12-31 23:59:59', '2018-13-01 00:00:00', ''),
  ),
  token: fc.constantFrom('a', 'b-2', 'card', 'DE', 'EUR', 'US', 'Ünal', 'tab\tbed', 'a "b"', ''),
  uuid: fc.constantFrom(
    '0192f3c4-5b6a-7c8d-9e0f-a1b2c3d4e5f6',
    '0192F3C4-5B6A-7C8D-9E0F-A1B2C3D4E5F7',
    `${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}`,
    'x',
    '',
  ),
  symbol: fc.constantFrom('purchase', 'debit', 'card', 'unknown', 'person', 'success', 'hit', ''),
}
const COLUMNS = Object.keys(VALUES)
const column = fc.constantFrom(...COLUMNS)
const template = fc
  .array(
    fc.oneof(
      column.map((name) => `{${name}}`),
      fc.constantFrom('c-', '/', 'card-payments/payment/', 'é', ' '),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((parts) => parts.join(''))

/** A rule for the field: mostly one that fits its type, from any column. */
function ruleFor(layout: FieldLayout): fc.Arbitrary<FieldRule | undefined> {
  const { type, optional } = layout
  const from: FieldRule[] = COLUMNS.map((name) => ({ column: name }))
  const rules: fc.Arbitrary<FieldRule | undefined>[] = []
  const mapped = (values: readonly (string | number)[]): fc.Arbitrary<FieldRule> =>
    fc.constant({
      column: 'symbol',
      map: Object.fromEntries(['purchase', 'debit', 'card', ''].map((text, i) => [text, values[i % values.length]])),
    })
  if (optional) rules.push(fc.constant(undefined))
  switch (type.kind) {
    case 'uuid':
      rules.push(
        fc.constant({ uuid: 'card-payments/payment/{id}' }),
        template.map((uuid) => ({ uuid })),
        fc.constant({ column: 'uuid' }),
      )
      break
    case 'token':
    case 'text':
      rules.push(
        fc.constant({ text: 'c-{id}' }),
        template.map((text) => ({ text })),
        fc.constantFrom(...from),
        mapped(['a', 'é', 'x'.repeat(100)]),
      )
      rules.push(fc.constant({ constant: 'Ωμέγα' }))
      break
    case 'integer':
      rules.push(fc.record({ integer: fc.constantFrom('whole', 'id'), magnitude: fc.constantFrom(true, false) }))
      rules.push(fc.record({ decimal: fc.constantFrom('decimal', 'whole'), scale: fc.nat(3) }), fc.constant({ utcOffset: 'time' }))
      rules.push(
        fc.constant({ localTime: 'time' }),
        fc.constant({ localTime: 'time', plus: '7d' }),
        mapped([type.minimum, 7, type.maximum]),
      )
      rules.push(fc.constantFrom(...from), fc.constant({ constant: Math.max(type.minimum, 0) }))
      break
    case 'formatted':
      rules.push(
        fc.constant({ constant: type.format === 'currency' ? 'EUR' : 'DE' }),
        mapped(['EUR', 'DE', 'x']),
        fc.constant({ column: 'token' }),
      )
      break
    case 'enum':
      rules.push(
        fc.constantFrom(...type.symbols).map((constant) => ({ constant })),
        mapped(type.symbols),
        fc.constant({ column: 'symbol' }),
      )
      break
    case 'boolean':
      rules.push(
        fc.constantFrom(true, false).map((constant) => ({ constant })),
        fc.constant({ column: 'symbol' }),
      )
      break
    case 'other':
      rules.push(fc.constant({ constant: layout.name === 'ratingInputs' ? { tenure: 3 } : ['password'] }))
  }
  // The first one or two of each sort are what mappings usually say.
  return fc.oneof({ weight: 8, arbitrary: fc.oneof(...rules.slice(0, optional ? 2 : 1)) }, { weight: 1, arbitrary: fc.oneof(...rules) })
}

/** Most event times are times, or hardly any row would give an event. */
function fieldsOf(topic: EventTopic): fc.Arbitrary<Readonly<Record<string, FieldRule>>> {
  return fc
    .record(
      Object.fromEntries(
        RAW_LAYOUTS[topic].map((layout) => [
          layout.name,
          layout.name === 'eventTimeMs'
            ? fc.oneof({ weight: 5, arbitrary: fc.constant<FieldRule>({ localTime: 'time' }) }, { weight: 1, arbitrary: ruleFor(layout) })
            : ruleFor(layout),
        ]),
      ),
    )
    .map((fields) => Object.fromEntries(Object.entries(fields).filter(([, rule]) => rule !== undefined)) as Record<string, FieldRule>)
}

const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ column, equals: fc.constantFrom('card', '', 7, 'Ünal') }),
  fc.record({ column, notEquals: fc.constantFrom('card', '', 7, 'é') }),
  fc.record({ column, startsWith: fc.constantFrom('1', '', 'ca'), notStartsWith: fc.constantFrom('2', 'd') }),
  fc.record({ column, greaterThan: fc.constantFrom(0, 5.5) }),
  fc.record({ column, atLeast: fc.constantFrom(1, 100), lessThan: fc.constantFrom(1_000, 50_000) }),
  fc.record({ column, atMost: fc.constantFrom(7, 1e9) }),
)
const rule: fc.Arbitrary<EventRule> = fc
  .constantFrom(...EVENT_TOPICS)
  .chain((topic) =>
    fc.record(
      {
        topic: fc.constant(topic),
        fields: fieldsOf(topic),
        when: fc.array(condition, { minLength: 1, maxLength: 2 }),
        delay: fc.constantFrom('7d', '0s'),
      },
      { requiredKeys: ['topic', 'fields'] },
    ),
  )
  .map((given) => given as EventRule)
const mapping: fc.Arbitrary<Mapping> = fc.record({
  name: fc.constant('m'),
  columns: fc.constant(COLUMNS),
  header: fc.constant(false),
  delimiter: fc.constant(','),
  timezone: fc.constantFrom('UTC', 'Europe/London'),
  events: fc.oneof({ weight: 3, arbitrary: fc.tuple(rule) }, { weight: 1, arbitrary: fc.array(rule, { minLength: 2, maxLength: 3 }) }),
  canonical: fc.constant(''),
})
const row = fc.tuple(...COLUMNS.map((name) => VALUES[name])).map((fields) => fields.join(','))

function generalOf(given: Mapping): (line: string) => { readonly events: readonly unknown[]; readonly problem: string | null } {
  const map = compileMapping(given)
  return (line) => {
    const fields: string[] = []
    splitCsvRow(line, given.delimiter, fields)
    const { events, problem } = map(fields)
    return { problem, events: events.map((event) => ({ ...event, value: Buffer.from(event.value).toString('hex') })) }
  }
}

/** What the encoder makes of the line; undefined where it leaves it to the general way. */
function fastOf(given: Mapping): ((line: string) => readonly unknown[] | undefined) | undefined {
  const encoder = RowEncoder.compile(given)
  if (encoder === undefined) return undefined
  const plainRow = new PlainRow(given.columns.length, given.delimiter)
  const block = new EmissionBlock()
  block.push({ topic: 'unparsable', eventTimeMs: NaN, accountId: null, value: Buffer.from('before'), rejection: null })
  return (line) => {
    block.count = 1
    if (!plainRow.scan(Buffer.from(`${line}\n`), 0)) return undefined
    if (!encoder.encode(plainRow, block)) {
      expect(block.count).toBe(1)
      return undefined
    }
    return emissionsOf(block)
      .slice(1)
      .map(({ topic, eventTimeMs, accountId, value }, i) => {
        expect(RAW_TOPICS).toContain(topic)
        return { topic, eventTimeMs, accountId, value: Buffer.from(value).toString('hex'), delayed: encoder.delays[i] === 1 }
      })
  }
}

test('whatever the encoder takes, the general way gives the same bytes for, over random mappings and rows', () => {
  let [compiled, taken, left] = [0, 0, 0]
  fc.assert(
    fc.property(mapping, fc.array(row, { minLength: 5, maxLength: 15 }), (given, rows) => {
      const fast = fastOf(given)
      if (fast === undefined) return
      compiled++
      const general = generalOf(given)
      for (const line of rows) {
        const events = fast(line)
        if (events === undefined) left++
        else {
          taken++
          expect({ line, problem: null, events }).toEqual({ line, ...general(line) })
        }
      }
    }),
    { numRuns: 600 },
  )
  expect(compiled).toBeGreaterThan(100)
  expect(taken).toBeGreaterThan(50)
  expect(left).toBeGreaterThan(300)
})

describe.each([
  ['card-payments', '12,2018-04-01 00:00:31,596,3156,57.16,1', ['payments', 'outcomes']],
  ['card-payments', '13,2018-04-01 00:00:31,596,3156,57.16,0', ['payments']],
  ['retail-invoices', '536365,2010-12-01 08:26:00,17850,United Kingdom,13912,7', ['payments']],
  ['retail-invoices', 'C536379,2010-07-01 09:41:00,14527,Atlantis,-2750,1', ['payments']],
])('%s: %s', (name, line, topics) => {
  const parsed = parseMapping(readFileSync(join(__dirname, `../../../../../examples/mappings/${name}.yaml`), 'utf8'))
  if (parsed.kind === 'rejected') throw new Error(JSON.stringify(parsed.problems))

  test('takes the fast way, and is read back', () => {
    const events = fastOf(parsed.mapping)?.(line) as readonly { readonly topic: EventTopic; readonly value: string }[]
    expect({ problem: null, events }).toEqual(generalOf(parsed.mapping)(line))
    expect(events.map(({ topic }) => topic)).toEqual(topics)
    for (const { topic, value } of events) expect(decodeRaw(topic, Buffer.from(value, 'hex')).kind).toBe('decoded')
  })

  test.each([
    ['a time that is none', line.replace(/-\d\d /, '-45 ')],
    ['a number that is none', line.replace(/,(-?\d+)(\.\d\d)?,(\d)$/, ',x,$3')],
    ['an id too long for a token', `${'7'.repeat(129)}${line.slice(1)}`],
  ])('%s is left to the general way, which refuses it', (_what, wrong) => {
    expect(wrong).not.toBe(line)
    expect(fastOf(parsed.mapping)?.(wrong)).toBeUndefined()
    expect(generalOf(parsed.mapping)(wrong).problem).not.toBeNull()
  })
})
