/*
 * Rows of the look-up index: seven u32 each.
 *   0-3  the id, big-endian words      4  index      5  low 32 bits of the revision      6  stream number (u16), top 16 bits of the revision
 * Rows of a run are ordered by the top bits of their first word only, enough that a page is found by its first prefix and then scanned:
 * a counting sort does that in one pass, where a full sort would cost more than all the rest.
 */
/** Words of a row. */
export const ROW_WORDS = 7
const PAGE_ROWS = 2_048

/** Rows whose first words begin at `prefix`, up to where the next page begins. */
export interface RowPage {
  readonly prefix: number
  readonly rows: Uint32Array
}

/** What a row says: streams by number (u16), revisions below 2^48, index u32. */
export interface RowFields {
  readonly id: Uint8Array
  readonly stream: number
  readonly revision: number
  readonly index: number
}

/** Writes the fields as the row of this number. */
export function writeRow(rows: Uint32Array, row: number, { id, stream, revision, index }: RowFields): void {
  const at = row * ROW_WORDS
  for (let word = 0; word < 4; word++) rows[at + word] = idWord(id, word)
  rows[at + 4] = index
  rows[at + 5] = revision >>> 0
  rows[at + 6] = ((stream << 16) | Math.floor(revision / 2 ** 32)) >>> 0
}

/** A word of the id, big-endian, so that words order as bytes do. */
export function idWord(id: Uint8Array, word: number): number {
  const at = word * 4
  return ((id[at] << 24) | (id[at + 1] << 16) | (id[at + 2] << 8) | id[at + 3]) >>> 0
}

/** Orders rows by the top bits of their first word, keeping the order of equal ones, and cuts them into pages of about 2,048 rows. */
export function pagesOf(rows: Uint32Array): RowPage[] {
  const count = rows.length / ROW_WORDS
  const bits = Math.max(1, 32 - Math.clz32(count >>> 6))
  const shift = 32 - bits
  const starts = new Uint32Array((1 << bits) + 1)
  for (let i = 0; i < count; i++) starts[(rows[i * ROW_WORDS] >>> shift) + 1]++
  for (let bucket = 0; bucket < 1 << bits; bucket++) starts[bucket + 1] += starts[bucket]
  const next = starts.slice()
  const ordered = new Uint32Array(rows.length)
  for (let i = 0; i < count; i++) {
    const from = i * ROW_WORDS
    const to = next[rows[from] >>> shift]++ * ROW_WORDS
    for (let word = 0; word < ROW_WORDS; word++) ordered[to + word] = rows[from + word]
  }
  const pages: RowPage[] = []
  let firstBucket = 0
  for (let bucket = 0; bucket < 1 << bits; bucket++) {
    const rowsSoFar = starts[bucket + 1] - starts[firstBucket]
    if (rowsSoFar < PAGE_ROWS && bucket + 1 < 1 << bits) continue
    if (rowsSoFar > 0)
      pages.push({
        prefix: (firstBucket << shift) >>> 0,
        rows: ordered.subarray(starts[firstBucket] * ROW_WORDS, starts[bucket + 1] * ROW_WORDS),
      })
    firstBucket = bucket + 1
  }
  return pages
}

/** The last row with this id, or undefined. */
export function findRow(rows: Uint32Array, id: Uint8Array): Omit<RowFields, 'id'> | undefined {
  const first = idWord(id, 0)
  for (let at = rows.length - ROW_WORDS; at >= 0; at -= ROW_WORDS) {
    if (rows[at] !== first || rows[at + 1] !== idWord(id, 1) || rows[at + 2] !== idWord(id, 2) || rows[at + 3] !== idWord(id, 3)) continue
    return { stream: rows[at + 6] >>> 16, revision: (rows[at + 6] & 0xffff) * 2 ** 32 + rows[at + 5], index: rows[at + 4] }
  }
  return undefined
}

/** One after the other, in the order given. */
export function concatenateRows(parts: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(parts.reduce((words, part) => words + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
