import { inflateRawSync } from 'node:zlib'
import { deflateEntry } from './deflate-entry'

test('data from 1,024 bytes on is deflated, shorter is stored as it is', () => {
  const data = Buffer.alloc(1_024, 'payment ')
  expect(inflateRawSync(deflateEntry(data)!)).toEqual(data)
  expect(deflateEntry(data.subarray(1))).toBeUndefined()
})
