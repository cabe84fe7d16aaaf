import avro from 'avsc'
import fc from 'fast-check'
import { AvroReader, AvroWriter, MalformedBytesError } from './avro-bytes'

const longs = fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.integer({ min: -70, max: 70 }))
const EDGES = [0, 1, -1, 63, 64, -64, -65, 8_191, 8_192, 0x3fff_ffff, 0x4000_0000, -0x4000_0000, -0x4000_0001, 4_503_599_627_370_496]

function written(write: (writer: AvroWriter) => void): Buffer {
  const writer = new AvroWriter(1)
  write(writer)
  return writer.take()
}

describe('longs', () => {
  const type = avro.Type.forSchema('long')
  // avsc refuses numbers past 2^53 / 2 and more; up to there it is the oracle.
  const theirs = (value: number): Buffer => type.toBuffer(value)

  test.each([...EDGES, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])('%d comes back', (value) => {
    const bytes = written((writer) => writer.long(value))
    const reader = new AvroReader(bytes)
    expect(reader.long()).toBe(value)
    expect(reader.atEnd).toBe(true)
  })

  test('have the bytes that avsc gives them', () => {
    for (const value of EDGES) expect(written((writer) => writer.long(value))).toEqual(theirs(value))
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 51), max: 2 ** 51 }), (value) => {
        expect(written((writer) => writer.long(value))).toEqual(theirs(value))
      }),
    )
  })

  test('come back, any safe integer', () => {
    fc.assert(
      fc.property(fc.array(longs), (values) => {
        const reader = new AvroReader(written((writer) => values.forEach((value) => writer.long(value))))
        expect(values.map(() => reader.long())).toEqual(values)
        expect(reader.atEnd).toBe(true)
      }),
    )
  })

  test('that are no safe integers are a mistake of the program', () => {
    for (const value of [2 ** 53, 0.5, NaN, Infinity]) expect(() => new AvroWriter().long(value)).toThrow(/safe integer/)
  })

  test.each([
    ['nothing', []],
    ['an end inside a number', [0x80]],
    ['nine bytes and more', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
    ['a number past 2^53', [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
    ['zeros without end', new Array<number>(12).fill(0x80)],
  ])('%s is malformed', (_name, bytes) => {
    expect(() => new AvroReader(Uint8Array.from(bytes)).long()).toThrow(MalformedBytesError)
  })
})

describe('texts and bytes', () => {
  test('have the bytes that avsc gives them, and come back', () => {
    const type = avro.Type.forSchema({
      type: 'record',
      name: 'Two',
      fields: [
        { name: 'text', type: 'string' },
        { name: 'bytes', type: 'bytes' },
      ],
    })
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.uint8Array({ maxLength: 300 }), (text, bytes) => {
        const mine = written((writer) => {
          writer.string(text)
          writer.bytes(bytes)
        })
        expect(mine).toEqual(type.toBuffer({ text, bytes: Buffer.from(bytes) }))
        const reader = new AvroReader(mine)
        expect(reader.string()).toBe(text)
        expect([...reader.bytes()]).toEqual([...bytes])
        const passing = new AvroReader(mine)
        passing.string()
        expect(passing.skipBytes()).toBe(bytes.length)
        expect(passing.atEnd).toBe(true)
        expect([...passing.view(passing.position - bytes.length, passing.position)]).toEqual([...bytes])
      }),
    )
  })

  test.each([
    ['a length past the end', [0x08, 1, 2]],
    ['a negative length', [0x01, 1, 2]],
  ])('%s is malformed', (_name, bytes) => {
    expect(() => new AvroReader(Uint8Array.from(bytes)).bytes()).toThrow(MalformedBytesError)
    expect(() => new AvroReader(Uint8Array.from(bytes)).skipBytes()).toThrow(MalformedBytesError)
    expect(() => new AvroReader(Uint8Array.from(bytes)).string()).toThrow(MalformedBytesError)
  })

  test('a branch is 0 or 2, a boolean 0 or 1', () => {
    expect(new AvroReader(Uint8Array.of(2)).branch()).toBe(1)
    expect(() => new AvroReader(Uint8Array.of(4)).branch()).toThrow(MalformedBytesError)
    expect(new AvroReader(Uint8Array.of(1)).boolean()).toBe(true)
    expect(() => new AvroReader(Uint8Array.of(2)).boolean()).toThrow(MalformedBytesError)
  })
})

test('bytes come as a string of one character each, too', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(written((writer) => writer.fixedLatin1(Buffer.from(bytes).toString('latin1')))).toEqual(
        written((writer) => writer.fixed(bytes)),
      )
    }),
  )
})

test('a writer hands out copies and can be used again', () => {
  const writer = new AvroWriter(4)
  writer.string('first')
  const first = writer.take()
  writer.reset()
  writer.string('later')
  expect(first).toEqual(written((fresh) => fresh.string('first')))
  expect([...writer.view()]).toEqual([...written((fresh) => fresh.string('later'))])
})
