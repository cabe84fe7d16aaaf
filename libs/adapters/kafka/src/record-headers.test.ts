import fc from 'fast-check'
import { ByteReader } from './byte-reader'
import { BATCH_HEADER_BYTES } from './record-batch'
import { RecordBatchBuilder } from './record-batch-builder'
import { readRecordHeaders } from './record-headers'

function recordsOf(headers: readonly Readonly<Record<string, string>>[]): Buffer {
  const builder = new RecordBatchBuilder()
  for (const own of headers) builder.add({ timeMs: 1_000, key: null, value: Buffer.from('value'), headers: own })
  return builder.seal({ producerId: 1n, producerEpoch: 0, baseSequence: 0 }).subarray(BATCH_HEADER_BYTES)
}

test('headers read back as they were written, record by record', () => {
  fc.assert(
    fc.property(fc.array(fc.dictionary(fc.string(), fc.string(), { maxKeys: 4 }), { minLength: 1, maxLength: 5 }), (written) => {
      const reader = new ByteReader(Buffer.from(recordsOf(written)))
      written.forEach((headers, index) => {
        const read = readRecordHeaders(reader, { baseOffset: 10 })
        expect(read.offset).toBe(10 + index)
        expect(Object.entries(read.headers).sort()).toEqual(Object.entries(headers).sort())
      })
      expect(reader.at).toBe(reader.end)
    }),
  )
})

test('a record that is cut off anywhere, or not as long as it says, is refused', () => {
  const whole = Buffer.from(recordsOf([{ name: 'text' }]))
  for (let length = 0; length < whole.length; length++)
    expect(() => readRecordHeaders(new ByteReader(whole.subarray(0, length)), { baseOffset: 0 })).toThrow(RangeError)
  const longer = Buffer.concat([whole, Buffer.of(0)])
  longer[0] += 2
  expect(() => readRecordHeaders(new ByteReader(longer), { baseOffset: 0 })).toThrow('not as long as it says')
  const many = Buffer.from(recordsOf([{}]))
  many[many.length - 1] = 1
  expect(() => readRecordHeaders(new ByteReader(many), { baseOffset: 0 })).toThrow('-1 headers')
})
