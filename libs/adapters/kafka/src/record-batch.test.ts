import fc from 'fast-check'
import Decoder from 'kafkajs/src/protocol/decoder.js'
import decodeRecordBatch from 'kafkajs/src/protocol/recordBatch/v0/decoder.js'
import { ByteReader } from './byte-reader'
import { crc32c } from './crc32c'
import { BATCH_HEADER_BYTES, CRC_FROM, readBatchHeader, readRecord } from './record-batch'
import { RecordBatchBuilder } from './record-batch-builder'

const outgoing = fc.record(
  {
    timeMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
    key: fc.option(fc.uint8Array({ maxLength: 40 })),
    value: fc.option(fc.uint8Array({ maxLength: 300 })),
    headers: fc.dictionary(fc.stringMatching(/^[a-z]{1,9}$/), fc.string(), { maxKeys: 3, noNullPrototype: true }),
  },
  { requiredKeys: ['timeMs', 'key', 'value'] },
)
const bytesOf = (value: Uint8Array | null): string | null => (value === null ? null : Buffer.from(value).toString('hex'))

test('a batch that was made reads back, here and by kafkajs', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(outgoing, { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 0, max: 2 ** 31 - 1 }),
      async (records, baseSequence) => {
        const builder = new RecordBatchBuilder(70)
        for (const { headers, ...record } of records) builder.add(headers === undefined ? record : { ...record, headers })
        const bytes = builder.seal({ producerId: 1_234_567_890_123n, producerEpoch: 3, baseSequence })
        const header = readBatchHeader(bytes, 0)!
        expect(header).toMatchObject({
          bytes: bytes.length,
          baseOffset: 0,
          endOffset: records.length,
          compression: 0,
          control: false,
          transactional: false,
        })
        expect(bytes.readUInt32BE(CRC_FROM - 4)).toBe(crc32c(bytes.subarray(CRC_FROM)))
        const reader = new ByteReader(bytes)
        reader.at = BATCH_HEADER_BYTES
        const read = records.map(() => readRecord(reader, header))
        expect(reader.at).toBe(bytes.length)
        const theirs = await decodeRecordBatch(new Decoder(bytes))
        expect({ producerId: theirs.producerId, firstSequence: theirs.firstSequence }).toEqual({
          producerId: '1234567890123',
          firstSequence: baseSequence,
        })
        records.forEach(({ timeMs, key, value, headers = {} }, i) => {
          expect({ ...read[i], key: bytesOf(read[i].key), value: bytesOf(read[i].value) }).toEqual({
            offset: i,
            timeMs,
            key: bytesOf(key),
            value: bytesOf(value),
          })
          const their = theirs.records[i]
          expect({ offset: their.offset, timestamp: their.timestamp }).toEqual({ offset: String(i), timestamp: String(timeMs) })
          expect([bytesOf(their.key), bytesOf(their.value)]).toEqual([bytesOf(key), bytesOf(value)])
          expect(Object.fromEntries(Object.entries(their.headers).map(([name, text]) => [name, text.toString()]))).toEqual(
            Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, text])),
          )
        })
      },
    ),
  )
})

test('a batch that is cut off anywhere is none yet', () => {
  const builder = new RecordBatchBuilder()
  builder.add({ timeMs: 5, key: null, value: Buffer.from('value') })
  const bytes = builder.seal({ producerId: 1n, producerEpoch: 0, baseSequence: 0 })
  for (let length = 0; length < bytes.length; length++) expect(readBatchHeader(bytes.subarray(0, length), 0)).toBeNull()
  expect(readBatchHeader(Buffer.concat([Buffer.alloc(7), bytes]), 7)).toMatchObject({ bytes: bytes.length, count: 1 })
})

test('another message format, and records longer than their batch, are refused', () => {
  const builder = new RecordBatchBuilder()
  builder.add({ timeMs: 5, key: null, value: Buffer.from('value') })
  const bytes = builder.seal({ producerId: 1n, producerEpoch: 0, baseSequence: 0 })
  const header = readBatchHeader(bytes, 0)!
  const other = Buffer.from(bytes)
  other[16] = 1
  expect(() => readBatchHeader(other, 0)).toThrow('message format 1')
  const tooLong = Buffer.from(bytes)
  tooLong[BATCH_HEADER_BYTES] = 200
  const reader = new ByteReader(tooLong)
  reader.at = BATCH_HEADER_BYTES
  expect(() => readRecord(reader, header)).toThrow(RangeError)
})
