import { ByteReader } from './byte-reader'
import { ByteMeter, ByteWriter, WORD_ALIGNMENT_BYTES } from './byte-writer'

test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])('words begin at a multiple of eight after %d bytes, and are read back from anywhere', (before) => {
  const [writer, meter] = [new ByteWriter(16), new ByteMeter(16)]
  for (const to of [writer, meter]) {
    for (let i = 0; i < before; i++) to.u8(1)
    to.words(Uint32Array.of(1, 2, 3))
  }
  const bytes = writer.finish()
  expect((bytes.length - 12) % WORD_ALIGNMENT_BYTES).toBe(0)
  expect(meter.lengthBytes - bytes.length).toBeGreaterThanOrEqual(0)
  expect(meter.lengthBytes - bytes.length).toBeLessThanOrEqual(WORD_ALIGNMENT_BYTES)
  for (const shift of [0, 1, 4]) {
    const moved = new Uint8Array(bytes.length + shift)
    moved.set(bytes, shift)
    for (const read of [(reader: ByteReader) => reader.words(), (reader: ByteReader) => reader.wordsInPlace()]) {
      const reader = new ByteReader(moved.subarray(shift))
      for (let i = 0; i < before; i++) reader.u8()
      expect([...read(reader)]).toEqual([1, 2, 3])
    }
  }
})
