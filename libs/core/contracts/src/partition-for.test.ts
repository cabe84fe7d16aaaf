import { murmur2, partitionFor } from './partition-for'

describe('murmur2', () => {
  // Test vectors of Apache Kafka's own UtilsTest.testMurmur2.
  test.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('hashes %s as Kafka does', (text, expected) => {
    expect(murmur2(Buffer.from(text))).toBe(expected)
  })

  test('a partition is never negative', () => {
    expect(partitionFor(Buffer.from('foobar'), 4)).toBe((-790332482 & 0x7fffffff) % 4)
  })
})
