const SLOTS = 32768

/**
 * Remembers strings by their bytes, so that a token seen again costs a comparison and not a new string, and arrives as the very same
 * string, whose hash the engine already knows. Direct-mapped and bounded: 32,768 strings of at most 64 bytes, the newest in its slot wins.
 * Holds nothing that could change an answer: a string found is compared byte by byte.
 */
export class StringTable {
  private readonly slots: string[] = new Array<string>(SLOTS).fill('')

  /** The string whose ASCII bytes are `bytes[from, from + length)`, or undefined. `hash` is any hash of those bytes. */
  find(hash: number, bytes: Uint8Array, from: number, length: number): string | undefined {
    const known = this.slots[slotOf(hash)]
    if (known.length !== length) return undefined
    for (let i = 0; i < length; i++) if (known.charCodeAt(i) !== bytes[from + i]) return undefined
    return known
  }

  /** Remembers an ASCII string of at most 64 characters under the hash of its bytes; longer ones are left out. */
  remember(hash: number, text: string): void {
    if (text.length <= 64) this.slots[slotOf(hash)] = text
  }
}

function slotOf(hash: number): number {
  return (hash ^ (hash >>> 15)) & (SLOTS - 1)
}
