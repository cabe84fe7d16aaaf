import avro from 'avsc'
import fc from 'fast-check'
import type { AvroSchema } from './parsing-canonical-form'
import { resolveSchemas } from './resolve-schemas'
import { readSchemaNode } from './schema-node'
import { Transcoding } from './transcoding'

const KIND = { type: 'enum', name: 'Kind', symbols: ['a', 'b', 'unknown'], default: 'unknown' }
const record = (...fields: readonly object[]) => ({ type: 'record', name: 'R', fields })
const field = (name: string, type: unknown, attributes = {}) => ({ name, type, ...attributes })
const part = (...fields: readonly object[]) => ({ type: 'record', name: 'Part', fields })

/** Brings bytes from one schema to the other; the record's failure where it has one. */
function bring(writer: unknown, reader: unknown, bytes: Uint8Array) {
  const resolution = resolveSchemas(readSchemaNode(writer as AvroSchema), readSchemaNode(reader as AvroSchema))
  if (resolution.kind === 'unresolvable') throw new Error(JSON.stringify(resolution.problems))
  const transcoding = new Transcoding(bytes, 0, new Uint8Array(65_536))
  resolution.transcode(transcoding)
  return { failure: transcoding.failure, at: transcoding.at, bytes: Buffer.from(transcoding.out.subarray(0, transcoding.outAt)) }
}

describe('what avsc resolves, is resolved to the same', () => {
  test.each<[string, object, object, readonly unknown[]]>([
    [
      'a field that only the writer has',
      record(field('x', 'string'), field('y', 'long')),
      record(field('y', 'long')),
      [{ x: 'é'.repeat(70), y: -3 }],
    ],
    [
      'a field that only the reader has',
      record(field('y', 'long')),
      record(field('x', ['null', 'string'], { default: null }), field('y', 'long'), field('z', 'int', { default: -70_000 })),
      [{ y: 9_007_199_254_740_000 }, { y: -9_007_199_254_740_000 }],
    ],
    [
      'fields in another order',
      record(field('x', 'boolean'), field('y', 'bytes')),
      record(field('y', 'bytes'), field('x', 'boolean')),
      [{ x: true, y: Buffer.from([0, 255]) }],
    ],
    ['int as long', record(field('x', 'int')), record(field('x', 'long')), [{ x: -2_147_483_648 }]],
    ['a value that may now be missing', record(field('x', 'int')), record(field('x', ['null', 'int'])), [{ x: 5 }]],
    [
      'a symbol that the reader does not know',
      record(field('k', { ...KIND, symbols: ['a', 'new', 'b', 'unknown'] })),
      record(field('k', KIND)),
      [{ k: 'a' }, { k: 'new' }, { k: 'b' }],
    ],
    [
      'records within lists and maps',
      record(
        field('l', { type: 'array', items: part(field('s', 'int'), field('gone', 'string')) }),
        field('m', { type: 'map', values: 'Part' }),
      ),
      record(
        field('l', { type: 'array', items: part(field('s', 'int'), field('w', 'string', { default: 'w' })) }),
        field('m', { type: 'map', values: 'Part' }),
      ),
      [
        { l: [], m: {} },
        {
          l: [
            { s: 1, gone: 'x' },
            { s: 2, gone: '' },
          ],
          m: { key: { s: 3, gone: 'y' } },
        },
      ],
    ],
    [
      'a union of bytes and a record that grew',
      record(field('u', ['bytes', part(field('s', 'int'))])),
      record(field('u', ['bytes', part(field('s', 'int'), field('w', 'int', { default: 4 }))])),
      [{ u: { Part: { s: 8 } } }, { u: { bytes: Buffer.from('x') } }],
    ],
    [
      'defaults of every sort',
      record(),
      record(
        field('a', { type: 'array', items: 'int' }, { default: [1, 2] }),
        field('m', { type: 'map', values: 'string' }, { default: { k: 'v' } }),
        field('f', { type: 'fixed', name: 'F', size: 2 }, { default: 'ÿ\u0000' }),
        field('b', 'bytes', { default: 'ÿ' }),
        field('e', KIND, { default: 'b' }),
        field('r', part(field('s', 'int'), field('t', 'boolean', { default: true })), { default: { s: 6 } }),
        field('n', ['null', 'int'], { default: null }),
      ),
      [{}],
    ],
  ])('%s', (_, writer, reader, values) => {
    const [from, to] = [writer, reader].map((schema) => avro.Type.forSchema(schema as avro.Schema, { wrapUnions: true }))
    for (const value of values) {
      const written = from.toBuffer(value)
      const brought = bring(writer, reader, written)
      expect(brought).toMatchObject({ failure: null, at: written.length })
      expect(to.fromBuffer(brought.bytes)).toEqual(to.fromBuffer(written, to.createResolver(from)))
    }
  })
})

describe('what cannot be read is named', () => {
  test.each<[string, object, object, string]>([
    ['a retyped field', record(field('x', 'long')), record(field('x', 'int')), 'x: written as long, cannot be read as int'],
    ['a field without a default', record(), record(field('x', 'int')), 'x: is not written, and the reader has no default for it'],
    ['a default that is no value', record(), record(field('x', 'int', { default: 'no' })), 'x: its default "no" is no int'],
    [
      'a symbol without a default',
      record(field('k', KIND)),
      record(field('k', { ...KIND, symbols: ['a'], default: undefined })),
      'k: the reader has no symbol b, unknown, and no default for it',
    ],
    [
      'an enum default that is no symbol',
      record(field('k', KIND)),
      record(field('k', { ...KIND, default: 'z' })),
      'k: its default z is none of its symbols',
    ],
    [
      'a value that may be missing',
      record(field('x', ['null', 'int'])),
      record(field('x', 'int')),
      'x: written as null, cannot be read as int',
    ],
    [
      'a branch that the reader lacks',
      record(field('x', ['null', 'string'])),
      record(field('x', ['null', 'int'])),
      'x: written as string, cannot be read as any branch of union of null, int',
    ],
    [
      'what lies within the branch that is meant',
      record(field('u', ['null', part(field('s', 'int'))])),
      record(field('u', ['null', part(field('s', 'int'), field('w', 'int'))])),
      'u.w: is not written, and the reader has no default for it',
    ],
    [
      'a fixed of another size',
      { type: 'fixed', name: 'F', size: 2 },
      { type: 'fixed', name: 'F', size: 3 },
      ': written as fixed F of 2 bytes, cannot be read as fixed F of 3 bytes',
    ],
    ['another record', record(), { ...record(), name: 'S' }, ': written as record R, cannot be read as record S'],
  ])('%s', (_, writer, reader, problem) => {
    const resolution = resolveSchemas(readSchemaNode(writer as AvroSchema), readSchemaNode(reader as AvroSchema))
    expect(resolution.kind === 'unresolvable' && resolution.problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([problem])
  })
})

describe('bytes that nobody vouches for', () => {
  const writer = record(
    field('x', 'string'),
    field('k', KIND),
    field('l', { type: 'array', items: 'null' }),
    field('u', ['null', 'long']),
    field('gone', { type: 'map', values: 'bytes' }),
  )
  const reader = record(...writer.fields.slice(0, 4))

  test.each([
    ['a length past the end', [200, 1], 'truncated'],
    ['a negative length', [1], 'invalid-value'],
    ['no symbol of this number', [0, 6, 0, 0, 0], 'unknown-enum'],
    ['no branch of this number', [0, 0, 0, 4, 0], 'invalid-value'],
    ['a list of ever more items that take no bytes', [0, 0, 254, 255, 255, 255, 255, 127], 'too-many-items'],
    ['a number without an end', [0, 0, 0, 2, ...Array.from({ length: 11 }, () => 255)], 'invalid-value'],
    ['nothing', [], 'truncated'],
  ])('%s', (_, bytes, failure) => {
    expect(bring(writer, reader, Uint8Array.from(bytes)).failure).toBe(failure)
  })

  test('whatever they are, nothing throws, and a success has passed over whole values', () => {
    const [from, to] = [writer, reader].map((schema) => avro.Type.forSchema(schema as avro.Schema, { wrapUnions: true }))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const brought = bring(writer, reader, bytes)
        if (brought.failure !== null) return
        expect(to.fromBuffer(brought.bytes, undefined, true)).toBeDefined()
        expect(from.decode(Buffer.from(bytes)).offset).toBe(brought.at)
      }),
      { numRuns: 2_000 },
    )
  })

  test('a record that grows past the limit is refused', () => {
    const big = field('big', 'string', { default: 'x'.repeat(65_535) })
    expect(bring(record(field('x', 'string')), record(field('x', 'string'), big), Uint8Array.of(2, 65)).failure).toBe('oversized')
  })
})

test('a schema that contains itself is refused', () => {
  expect(() => readSchemaNode(record(field('next', ['null', 'R'])) as AvroSchema)).toThrow('the type R is not defined before it is used')
})
