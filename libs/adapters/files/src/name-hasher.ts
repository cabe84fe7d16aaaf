import { beginBlock, finishBlock, SHA1_START } from './sha1-block'

const NAMESPACE_BYTES = 16
const BLOCK_BYTES = 64
/** What padding adds to a message at least: one byte, and its length. */
const PADDING_BYTES = 9
/** Longest name that fits with its namespace into two blocks of SHA-1. */
export const MAX_NAME_BYTES = 2 * BLOCK_BYTES - PADDING_BYTES - NAMESPACE_BYTES

/**
 * UUIDs of version 5 (RFC 9562, section 5.5) for names that begin with the same bytes, under one namespace: without any allocation, and the
 * rounds of SHA-1 over the words that never change are done once. The caller writes the rest of a name to `message` from `start` on.
 */
export class NameHasher {
  readonly message = new Uint8Array(2 * BLOCK_BYTES)
  /** Where the rest of a name begins in `message`. */
  readonly start: number
  private readonly words = new Int32Array(80)
  private readonly chain = new Int32Array(5)
  private readonly begun = Int32Array.from(SHA1_START)
  /** Words of the first block that are the same for every name. */
  private readonly fixedWords: number

  /** `namespace` has 16 bytes; `prefix` at most {@link MAX_NAME_BYTES}. */
  constructor(namespace: Uint8Array, prefix: Uint8Array) {
    this.message.set(namespace)
    this.message.set(prefix, NAMESPACE_BYTES)
    this.start = NAMESPACE_BYTES + prefix.length
    this.fixedWords = Math.min(13, this.start >>> 2)
    this.load(0, 0, this.fixedWords)
    beginBlock(this.words, this.begun, this.fixedWords)
  }

  /** Writes the 16 bytes of the UUID to `target[at, ...)`; the name ends at `end` in `message`, at most `MAX_NAME_BYTES` long. */
  writeUuid(end: number, target: Uint8Array, at: number): void {
    const { message, words, chain, fixedWords } = this
    const oneBlock = end + PADDING_BYTES <= BLOCK_BYTES
    const padded = oneBlock ? BLOCK_BYTES - 8 : 2 * BLOCK_BYTES - 8
    message[end] = 0x80
    for (let i = end + 1; i < padded; i++) message[i] = 0
    // One by one: `set` is a call into the runtime.
    for (let i = 0; i < 5; i++) chain[i] = SHA1_START[i]
    if (oneBlock) this.load(0, fixedWords, 14)
    else {
      this.load(0, fixedWords, 16)
      finishBlock(words, this.begun, fixedWords, chain)
      this.load(BLOCK_BYTES, 0, 14)
    }
    words[14] = 0
    words[15] = end * 8
    if (oneBlock) finishBlock(words, this.begun, fixedWords, chain)
    else finishBlock(words, chain, 0, chain)
    store(target, at, chain[0])
    store(target, at + 4, (chain[1] & 0xffff0fff) | 0x5000)
    store(target, at + 8, (chain[2] & 0x3fffffff) | 0x80000000)
    store(target, at + 12, chain[3])
    // The second block took the place of the fixed words of the first.
    if (!oneBlock) this.load(0, 0, fixedWords)
  }

  /** Loads the words `[from, to)` of the block that begins at `block` in the message. */
  private load(block: number, from: number, to: number): void {
    const { message, words } = this
    for (let i = from; i < to; i++) {
      const at = block + 4 * i
      words[i] = (message[at] << 24) | (message[at + 1] << 16) | (message[at + 2] << 8) | message[at + 3]
    }
  }
}

function store(target: Uint8Array, at: number, word: number): void {
  target[at] = word >>> 24
  target[at + 1] = word >>> 16
  target[at + 2] = word >>> 8
  target[at + 3] = word
}
