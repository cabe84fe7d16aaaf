const SLOTS = 32768
const MAX_LENGTH = 64

/**
 * Remembers strings by their bytes, so that a token seen again costs a comparison and not a new string, and arrives as the very same
 * string, whose hash the engine already knows. Direct-mapped and bounded: 32,768 strings of at most 64 bytes, the newest in its slot wins.
 * Holds nothing that could change an answer: a string found is compared byte by byte.
 */
export class StringTable {
  private readonly slots: string[] = new Array<string>(SLOTS).fill('')

  /** The string whose bytes are `bytes[from, from + length)`, all of them ASCII, or undefined. `slot` is `slotOf` those bytes. */
  find(slot: number, bytes: Uint8Array, from: number, length: number): string | undefined {
    const known = this.slots[slot]
    if (known.length !== length || length === 0) return undefined
    for (let i = 0; i < length; i++) if (known.charCodeAt(i) !== bytes[from + i]) return undefined
    return known
  }

  /** Remembers an ASCII string under `slotOf` its bytes; one longer than 64 characters is left out. */
  remember(slot: number, text: string): void {
    if (text.length <= MAX_LENGTH) this.slots[slot] = text
  }
}

/**
 * The slot of `bytes[from, from + length)`: a mix of the length and the last 12 bytes, where tokens differ most. The bytes before count
 * for nothing: strings that share an ending share a slot, which costs time and never an answer.
 */
export function slotOf(bytes: Uint8Array, from: number, length: number): number {
  const end = from + length
  let hash = length
  for (let i = length > 12 ? end - 12 : from; i < end; i++) hash = Math.imul(hash, 31) + bytes[i]
  hash = Math.imul(hash, 0x9e3779b1)
  return hash >>> 17
}
