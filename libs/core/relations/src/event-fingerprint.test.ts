import { fingerprint, fingerprintEventAt } from './event-fingerprint'

const IDS = 20_000

/** Writes a number into the 32-bit words of an id. */
type Pattern = (words: DataView, i: number) => void

const write =
  (...places: readonly number[]): Pattern =>
  (words, i) => {
    for (const place of places) words.setUint32(4 * place, i)
  }

const PATTERNS: Readonly<Record<string, Pattern>> = {
  'that count in their first word': write(0),
  'that count in their second word': write(1),
  'that count in their third word': write(2),
  'that count in their last word': write(3),
  'whose halves are equal': write(0, 2),
  'whose halves are equal in both words': write(0, 1, 2, 3),
  'whose halves are equal, crosswise': write(0, 3),
  'whose halves are each the complement of the other': (words, i) => {
    words.setUint32(0, i)
    words.setUint32(8, ~i)
  },
  'that count in steps of a large power of two': (words, i) => {
    words.setUint32(0, i << 17)
    words.setUint32(8, i << 17)
    words.setUint32(12, i >>> 15)
  },
}

test.each(Object.keys(PATTERNS))('ids %s share no fingerprint, and spread over a table as random ones would', (name) => {
  const id = new Uint8Array(16)
  const words = new DataView(id.buffer)
  const seen = new Set<string>()
  const places = [new Set<number>(), new Set<number>()]
  for (let i = 0; i < IDS; i++) {
    PATTERNS[name](words, i)
    fingerprintEventAt(id, 0)
    seen.add(fingerprint.join())
    for (const [half, used] of places.entries()) used.add(fingerprint[half] & 0xffff)
  }
  expect(seen.size).toBe(IDS)
  // Of 65,536 places 20,000 random ones use 17,240 (1 - 1/e^(n/m)), give or take 200.
  for (const used of places) expect(used.size).toBeGreaterThan(16_900)
})
