import fc from 'fast-check'
import { ByteReader } from './byte-reader'
import { ByteWriter, varintBytes } from './byte-writer'

const safe = fc.maxSafeInteger().map((value) => Math.floor(value / 2))

test('what is written is read back', () => {
  fc.assert(
    fc.property(
      safe,
      fc.maxSafeInteger(),
      fc.string(),
      fc.option(fc.uint8Array()),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      (small, large, text, bytes, wide) => {
        const writer = new ByteWriter(1)
        writer.varint(small)
        writer.int64(large)
        writer.string(text)
        writer.varbytes(bytes)
        writer.bigint64(wide)
        writer.int8(-3)
        writer.int16(-300)
        writer.int32(-70_000)
        const reader = new ByteReader(writer.view())
        expect(reader.varint()).toBe(small)
        expect(reader.int64()).toBe(large)
        expect(reader.string()).toBe(text)
        const read = reader.varbytes()
        expect(read === null ? null : [...read]).toEqual(bytes === null ? null : [...bytes])
        expect(reader.bigint64()).toBe(wide)
        expect([reader.int8(), reader.int16(), reader.int32()]).toEqual([-3, -300, -70_000])
        expect(reader.at).toBe(writer.length)
      },
    ),
  )
})

test('the length of a varint is known beforehand', () => {
  fc.assert(
    fc.property(safe, (value) => {
      const writer = new ByteWriter()
      writer.varint(value)
      return writer.length === varintBytes(value)
    }),
  )
  expect(varintBytes(-64)).toBe(1)
  expect(varintBytes(64)).toBe(2)
})

test('bytes that end too early, and lengths that make no sense, are refused', () => {
  expect(() => new ByteReader(Buffer.of(1)).int16()).toThrow(RangeError)
  expect(() => new ByteReader(Buffer.of(0x80)).varint()).toThrow(RangeError)
  expect(() => new ByteReader(Buffer.of()).varint()).toThrow(RangeError)
  expect(() => new ByteReader(Buffer.of(20, 1)).varbytes()).toThrow(RangeError)
  expect(() => new ByteReader(Buffer.of(3, 1)).varbytes()).toThrow(RangeError)
  expect(() => new ByteReader(Buffer.alloc(20, 0xff)).varint()).toThrow(RangeError)
  expect(() => new ByteReader(Buffer.of(0xff, 0xfe)).string()).toThrow(RangeError)
  expect(() => new ByteReader(Buffer.alloc(10), 5).take(6)).toThrow(RangeError)
})
