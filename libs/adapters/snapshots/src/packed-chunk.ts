/** Words that one mask speaks for. */
const MASK_BITS = 32

/** Room that a chunk of so many words may need when packed, in words. */
export function packedRoom(words: number): number {
  return words + Math.ceil(words / MASK_BITS)
}

/**
 * Packs a chunk of a state without its zeros, of which states are full (rows with room for what is still to come): for every 32 words a mask of those that are
 * not zero, and behind all masks those words, in the order of bytes of this machine. Returns how many words of `into`, which has `packedRoom`, they take.
 */
export function packChunk(words: Uint32Array, into: Uint32Array): number {
  const masks = Math.ceil(words.length / MASK_BITS)
  let to = masks
  for (let place = 0; place < masks; place++) {
    const from = place * MASK_BITS
    const count = Math.min(MASK_BITS, words.length - from)
    let mask = 0
    for (let bit = 0; bit < count; bit++) {
      const word = words[from + bit]
      // Written in any case and passed over where it is zero: a branch would be guessed wrong too often.
      into[to] = word
      const isThere = word === 0 ? 0 : 1
      to += isThere
      mask |= isThere << bit
    }
    into[place] = mask
  }
  return to
}

/** Fills zeroed `words` from what `packChunk` made of as many; false where it was made of others. */
export function unpackChunk(packed: Uint32Array, words: Uint32Array): boolean {
  const masks = Math.ceil(words.length / MASK_BITS)
  if (packed.length < masks) return false
  let at = masks
  for (let mask = 0; mask < masks; mask++) {
    // From bit to bit: most words are zero.
    for (let bits = packed[mask]; bits !== 0; bits &= bits - 1) words[mask * MASK_BITS + 31 - Math.clz32(bits & -bits)] = packed[at++]
  }
  const bitsOfLast = words.length % MASK_BITS
  if (bitsOfLast !== 0 && packed[masks - 1] >>> bitsOfLast !== 0) return false
  return at === packed.length
}
