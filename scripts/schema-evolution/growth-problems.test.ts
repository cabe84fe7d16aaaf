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
  { name: 'seen', type: { type: 'long', logicalType: 'timestamp-millis' } },
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
/** A record that no validator of JSON reads. */
const AVRO_ALONE = schemaOf(FIELDS, { encoding: 'avro' })
const withMore = (field: Omit<Field, 'name'>): readonly Field[] => [...FIELDS, { name: 'more', type: field['type'], ...field }]
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
    ['a symbol of an enum with a default', changed('kind', { type: { ...KIND, symbols: ['a', 'b', 'unknown', 'c'] } })],
    ['a field of an inner record', partsWith({ name: 'weight', type: ['null', 'int'], default: null })],
  ])('%s', (_, fields) => {
    expect(growthProblems(RELEASED, schemaOf(fields))).toEqual([])
  })

  test.each<[string, readonly Field[]]>([
    ['a field with a plain default', withMore({ type: 'int', default: 7, minimum: 1 })],
    ['a new enum that starts at its default', withMore({ type: { ...KIND, name: 'Other' }, default: 'unknown' })],
    ['a list that starts empty', withMore({ type: { type: 'array', items: 'string' }, default: [], token: true })],
    ['a field of an inner record', partsWith({ name: 'weight', type: 'int', default: 0 })],
  ])('without a form in JSON: %s', (_, fields) => {
    expect(growthProblems(AVRO_ALONE, schemaOf(fields, { encoding: 'avro' }))).toEqual([])
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
    [
      'a field that becomes unique',
      changed('note', { unique: true }),
      'note: unique was none, is true; what was allowed stays allowed, and nothing more is',
    ],
    [
      'a logical type given up',
      changed('seen', { type: 'long' }),
      'seen: logicalType was timestamp-millis, is none; it says what a value means, and stays',
    ],
    [
      'a logical type taken on',
      changed('id', { type: { type: 'fixed', name: 'Id', size: 16, logicalType: 'uuid' } }),
      'id: logicalType was none, is uuid; it says what a value means, and stays',
    ],
    [
      'a new field that JSON cannot leave out',
      withMore({ type: 'int', default: 7 }),
      'more: is new and its default is 7, not null; JSON knows no defaults, so JSON of the released version could not be read: make it ["null", int]',
    ],
    [
      'one of an inner record',
      partsWith({ name: 'weight', type: 'int', default: 0 }),
      'parts[].weight: is new and its default is 0, not null; JSON knows no defaults, so JSON of the released version could not be read: make it ["null", int]',
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

  test.each<[string, Omit<Field, 'name'>, string]>([
    ['a number too low', { type: 'int', default: 0, minimum: 1 }, 'its default is 0; it is from 1 to 2147483647'],
    ['an empty token', { type: 'string', default: '', token: true }, 'its default is empty; it is a token of 1 to 128 bytes'],
    [
      'a text without its format',
      { type: 'string', default: '', format: 'sha256' },
      'its default is ""; a SHA-256 is 64 lowercase hexadecimal digits',
    ],
    ['a text too long', { type: 'string', default: 'long', maxBytes: 3 }, 'its default has 4 bytes; the limit is 3'],
    [
      'an item of a list',
      { type: { type: 'array', items: 'int' }, default: [9], maximum: 8 },
      'its default[0] is 9; it is from -2147483648 to 8',
    ],
    [
      'a field of a record',
      { type: { type: 'record', name: 'Rate', fields: [{ name: 'of', type: 'int', minimum: 1 }] }, default: { of: 0 } },
      'its default.of is 0; it is from 1 to 2147483647',
    ],
  ])('a default outside of its own limits: %s', (_, field, problem) => {
    expect(growthProblems(AVRO_ALONE, schemaOf(withMore(field), { encoding: 'avro' }))).toEqual([`more: ${problem}`])
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
