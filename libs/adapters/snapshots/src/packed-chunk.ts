/** Words that one mask speaks for. */
const MASK_BITS = 32

/**
 * A chunk of a state without its zeros, of which states are full (rows with room for what is still to come): for every 32 words a mask of those that are not
 * zero, and behind all masks those words. In the order of bytes of this machine.
 */
export function packChunk(words: Uint32Array): Uint8Array {
  const masks = Math.ceil(words.length / MASK_BITS)
  const packed = new Uint32Array(masks + words.length)
  let to = masks
  for (let i = 0; i < words.length; i++) {
    const word = words[i]
    // Written in any case and passed over where it is zero: a branch would be guessed wrong too often.
    packed[to] = word
    const isThere = word === 0 ? 0 : 1
    to += isThere
    packed[i >>> 5] |= isThere << (i & (MASK_BITS - 1))
  }
  return new Uint8Array(packed.buffer, 0, to * packed.BYTES_PER_ELEMENT)
}

/** Fills zeroed `words` from what `packChunk` made of as many; false where it was made of others. */
export function unpackChunk(packed: Uint8Array, words: Uint32Array): boolean {
  const masks = Math.ceil(words.length / MASK_BITS)
  if (packed.length % words.BYTES_PER_ELEMENT !== 0 || packed.length < masks * words.BYTES_PER_ELEMENT) return false
  // A copy begins where words may begin.
  const from = new Uint32Array(new Uint8Array(packed).buffer)
  let at = masks
  for (let mask = 0; mask < masks; mask++) {
    // From bit to bit: most words are zero.
    for (let bits = from[mask]; bits !== 0; bits &= bits - 1) words[mask * MASK_BITS + 31 - Math.clz32(bits & -bits)] = from[at++]
  }
  const bitsOfLast = words.length % MASK_BITS
  if (bitsOfLast !== 0 && from[masks - 1] >>> bitsOfLast !== 0) return false
  return at === from.length
}
