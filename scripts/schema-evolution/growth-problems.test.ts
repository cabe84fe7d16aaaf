import { growthProblems } from './growth-problems'

interface Field {
  readonly name: string
  readonly type: unknown
  readonly [attribute: string]: unknown
}

const KIND = { type: 'enum', name: 'Kind', symbols: ['a', 'b', 'unknown'], default: 'unknown' }
const FIELDS: readonly Field[] = [
  { name: 'id', type: { type: 'fixed', name: 'Id', size: 16 } },
  { name: 'kind', type: KIND },
  { name: 'amount', type: 'long', minimum: 0 },
  { name: 'note', type: ['null', 'string'], default: null, maxBytes: 64 },
  { name: 'parts', type: { type: 'array', items: { type: 'record', name: 'Part', fields: [{ name: 'size', type: 'int' }] } } },
]
const schemaOf = (fields: readonly Field[], attributes = {}) => ({
  type: 'record',
  name: 'Event',
  namespace: 'test',
  topic: 'events',
  ...attributes,
  fields,
})
const RELEASED = schemaOf(FIELDS)
/** The released fields with one of them changed. */
const changed = (name: string, attributes: Readonly<Record<string, unknown>>): readonly Field[] =>
  FIELDS.map((field) => (field.name === name ? { ...field, ...attributes } : field))
const without = (name: string): readonly Field[] => FIELDS.filter((field) => field.name !== name)
const partsWith = (...fields: readonly Field[]) =>
  changed('parts', { type: { type: 'array', items: { type: 'record', name: 'Part', fields: [{ name: 'size', type: 'int' }, ...fields] } } })

describe('what grows is taken', () => {
  test.each([
    ['nothing', FIELDS],
    ['documentation', changed('amount', { doc: 'Other words.' })],
    ['an optional field at the end', [...FIELDS, { name: 'more', type: ['null', 'string'], default: null }]],
    ['an optional field in the middle', [FIELDS[0], { name: 'more', type: ['null', 'long'], default: null }, ...FIELDS.slice(1)]],
    ['a field with a plain default', [...FIELDS, { name: 'more', type: 'int', default: 7 }]],
    ['a new enum that starts at its default', [...FIELDS, { name: 'more', type: { ...KIND, name: 'Other' }, default: 'unknown' }]],
    ['a symbol of an enum with a default', changed('kind', { type: { ...KIND, symbols: ['a', 'b', 'unknown', 'c'] } })],
    ['a field of an inner record', partsWith({ name: 'weight', type: 'int', default: 0 })],
  ])('%s', (_, fields) => {
    expect(growthProblems(RELEASED, schemaOf(fields))).toEqual([])
  })
})

describe('what does not is named', () => {
  test.each<[string, readonly Field[], string]>([
    ['a field gone', without('note'), 'note: is gone; a field is never removed or renamed'],
    [
      'a field renamed, though an alias tells of it',
      FIELDS.map((field) => (field.name === 'note' ? { ...field, name: 'remark', aliases: ['note'] } : field)),
      'note: is gone; a field is never removed or renamed',
    ],
    ['a field retyped', changed('amount', { type: 'string' }), 'amount: was long, is string; a type never changes'],
    ['a promotion, which goes one way only', changed('amount', { type: 'int' }), 'amount: was long, is int; a type never changes'],
    [
      'string and bytes, which Avro reads as one another',
      changed('note', { type: ['null', 'bytes'] }),
      'note: was string, is bytes; a type never changes',
    ],
    [
      'a field that becomes optional',
      changed('amount', { type: ['null', 'long'] }),
      'amount: was long, is union of null, long; a type never changes',
    ],
    [
      'a union with another branch',
      changed('note', { type: ['null', 'string', 'long'] }),
      'note: was union of null, string, is union of null, string, long; a type never changes',
    ],
    [
      'a new field without a default',
      [...FIELDS, { name: 'more', type: ['null', 'string'] }],
      'more: data of the released version cannot be read: is not written, and the reader has no default for it',
    ],
    [
      'a new field whose default is none of its values',
      [...FIELDS, { name: 'more', type: ['null', 'string'], default: 'x' }],
      'more: data of the released version cannot be read: its default "x" is no null',
    ],
    [
      'a new field of an inner record without a default',
      partsWith({ name: 'weight', type: 'int' }),
      'parts[].weight: data of the released version cannot be read: is not written, and the reader has no default for it',
    ],
    ['a symbol gone', changed('kind', { type: { ...KIND, symbols: ['a', 'unknown'] } }), 'kind: the symbol b is gone; nothing is removed'],
    [
      'an enum without its default',
      changed('kind', { type: { ...KIND, default: undefined } }),
      'kind: the default was unknown, is none; it is what an unknown symbol is read as, and stays',
    ],
    [
      'another enum default',
      changed('kind', { type: { ...KIND, default: 'a' } }),
      'kind: the default was unknown, is a; it is what an unknown symbol is read as, and stays',
    ],
    [
      'an enum renamed',
      changed('kind', { type: { ...KIND, name: 'Sort' } }),
      'kind: was called test.Kind, is called test.Sort; nothing is renamed',
    ],
    [
      'a fixed of another size',
      changed('id', { type: { type: 'fixed', name: 'Id', size: 8 } }),
      'id: was fixed test.Id of 16 bytes, is fixed test.Id of 8 bytes; a type never changes',
    ],
    [
      'a lower limit',
      changed('note', { maxBytes: 32 }),
      'note: maxBytes was 64, is 32; what was allowed stays allowed, and nothing more is',
    ],
    [
      'a limit given up',
      changed('amount', { minimum: undefined }),
      'amount: minimum was 0, is none; what was allowed stays allowed, and nothing more is',
    ],
    [
      'a field that becomes pii',
      changed('note', { pii: true }),
      'note: pii was none, is true; what was allowed stays allowed, and nothing more is',
    ],
    ['a default changed', changed('note', { default: undefined }), 'note: the default was null, is undefined; a default stays'],
    [
      'a field moved',
      [FIELDS[1], FIELDS[0], ...FIELDS.slice(2)],
      'kind: stands elsewhere among the released fields; their order is that of the canonical JSON, and stays',
    ],
  ])('%s', (_, fields, problem) => {
    expect(growthProblems(RELEASED, schemaOf(fields))).toEqual([problem])
  })

  test('a symbol of an enum without a default: the released version would not know what to make of it', () => {
    const bare = { type: 'enum', name: 'Kind', symbols: ['a'] }
    const released = schemaOf([{ name: 'kind', type: bare }])
    const current = schemaOf([{ name: 'kind', type: { ...bare, symbols: ['a', 'b'] } }])
    expect(growthProblems(released, current)).toEqual([
      'kind: the released version cannot read what is written now: the reader has no symbol b, and no default for it',
    ])
  })

  test('another topic, or another name of the record', () => {
    expect(growthProblems(RELEASED, schemaOf(FIELDS, { topic: 'others' }))).toEqual([
      'topic was "events", is "others"; what was allowed stays allowed, and nothing more is',
    ])
    expect(growthProblems(RELEASED, schemaOf(FIELDS, { name: 'Happening' }))).toEqual([
      'was called test.Event, is called test.Happening; nothing is renamed',
    ])
  })
})
