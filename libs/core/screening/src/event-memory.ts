import { strict as assert } from 'node:assert'
import { createHash } from 'node:crypto'
import { FingerprintIndex, wordsOf, type ByteReader, type ByteWriter } from '@riskledger/windows'
import { ContentDigest, KeyedHash } from './keyed-hash'
import { TOUCH_AHEAD } from './touch-ahead'

/** What the memory says of an event id: not seen, seen with the same content, seen with other content, or not looked up for want of room. */
export type Seen = 'new' | 'duplicate' | 'conflicting' | 'unchecked'

export interface EventMemoryLimits {
  /** How long an id is remembered, in stream time. Default by policy: 7 days. */
  readonly horizonMs: number
  /** Ids kept at most for one account (accounts share 65,536 counters by keyed hash). */
  readonly maxIdsPerAccount: number
  /** Ids kept at most in all. */
  readonly maxIds: number
}

const ACCOUNT_COUNTERS = 65_536
const ID_START = 10
const ID_END = 26

// An id's row in a page: words, and doubles beside them.
const LOW = 0
const HIGH = 1
const DIGEST_LOW = 2
const DIGEST_HIGH = 3
const COUNTER = 4
const ROW_WORDS = 5
const SEQUENCE = 0
const TIME_MS = 1
const ROW_DOUBLES = 2

const PAGE_SHIFT = 12
const PAGE_IDS = 1 << PAGE_SHIFT
/** Slots are 31 bits, which is 2^31 ids; a policy allows 10^8 (`dedupeMaxIds`). */
const MAX_PAGES = 1 << (31 - PAGE_SHIFT)

/** Room for 4,096 ids. */
class IdPage {
  readonly words = new Uint32Array(PAGE_IDS * ROW_WORDS)
  readonly doubles = new Float64Array(PAGE_IDS * ROW_DOUBLES)
}

/**
 * Remembers which event ids a partition took within the horizon: a keyed fingerprint of the id, the first sequence, a digest of the content.
 * A queue in order of arrival, in pages, with an index over it; about 60 B an event, index included. Nothing is moved as it grows: a page is added, or one whose
 * ids are forgotten used again.
 */
export class EventMemory {
  /** Sequence under which the id of the last `look` was first taken; meaningful after 'duplicate' and 'conflicting'. */
  firstSequence = 0
  private readonly pages: IdPage[] = []
  /** Numbers of the pages in use, in order of arrival. */
  private order: number[] = []
  /** Numbers of the others. */
  private free: number[] = []
  /** The first id held lies here in the first page in use. */
  private start = 0
  /** The next id goes here in the last page in use; `PAGE_IDS` where a page must be added. */
  private end = PAGE_IDS
  private length = 0
  private readonly index = new FingerprintIndex()
  private readonly search = { at: -1 }
  private readonly aheadLow = new Uint32Array(TOUCH_AHEAD)
  private readonly aheadHigh = new Uint32Array(TOUCH_AHEAD)
  private readonly aheadCounters = new Uint16Array(TOUCH_AHEAD)
  private readonly accountCounts = new Uint32Array(ACCOUNT_COUNTERS)
  private readonly idHash: KeyedHash
  private readonly content: ContentDigest
  private readonly counterSeed: number
  private accountCounter = 0

  constructor(key: Uint8Array) {
    this.idHash = new KeyedHash(key)
    this.content = new ContentDigest(key)
    this.counterSeed = key[8] | (key[9] << 8) | (key[10] << 16) | (key[11] << 24)
  }

  get size(): number {
    return this.length
  }

  /**
   * Looks an event up and, where it is new and there is room, remembers it. `value` is the framed record: its id lies at bytes [10, 26).
   * `topic` salts the digest: the same id on another topic is conflicting.
   */
  look(
    value: Uint8Array,
    event: {
      readonly topic: number
      readonly accountStart: number
      readonly accountEnd: number
      readonly sequence: number
      readonly streamTimeMs: number
      /** Its place among those last hashed ahead, or -1. */
      readonly ahead: number
    },
    limits: EventMemoryLimits,
  ): Seen {
    if (event.ahead < 0) this.idHash.hash(value, ID_START, ID_END)
    const low = event.ahead < 0 ? this.idHash.low : this.aheadLow[event.ahead]
    const high = event.ahead < 0 ? this.idHash.high : this.aheadHigh[event.ahead]
    this.content.digest(value, event.topic)
    const found = this.find(low, high)
    if (found >= 0) {
      const { words, doubles } = this.pages[found >>> PAGE_SHIFT]
      const at = found & (PAGE_IDS - 1)
      this.firstSequence = doubles[at * ROW_DOUBLES + SEQUENCE]
      const row = at * ROW_WORDS
      const isSame = words[row + DIGEST_LOW] === this.content.low && words[row + DIGEST_HIGH] === this.content.high
      return isSame ? 'duplicate' : 'conflicting'
    }
    this.accountCounter = event.ahead < 0 ? this.counterOf(value, event.accountStart, event.accountEnd) : this.aheadCounters[event.ahead]
    if (this.accountCounts[this.accountCounter] >= limits.maxIdsPerAccount || this.length >= limits.maxIds) return 'unchecked'
    this.insert(low, high, event.sequence, event.streamTimeMs)
    return 'new'
  }

  /** Hashes the id and the account of a record that `look` will be asked about as number `ahead`, below `TOUCH_AHEAD`. */
  hashAhead(ahead: number, value: Uint8Array, accountStart: number, accountEnd: number): void {
    this.idHash.hash(value, ID_START, ID_END)
    this.aheadLow[ahead] = this.idHash.low
    this.aheadHigh[ahead] = this.idHash.high
    this.aheadCounters[ahead] = this.counterOf(value, accountStart, accountEnd)
  }

  /** Reads what `look` at those hashed ahead, and `expire` of as many, will read; see `InputsAhead`. */
  touch(count: number): number {
    let touched = 0
    for (let i = 0; i < count; i++)
      touched ^= this.index.touch(this.aheadLow[i], this.aheadHigh[i]) ^ this.accountCounts[this.aheadCounters[i]]
    if (this.length === 0) return touched
    // Those of the first page alone: once in 4,096 ids the next page is not read ahead.
    const { words } = this.pages[this.order[0]]
    const end = Math.min(this.start + count, this.endOfFirstPage())
    for (let row = this.start * ROW_WORDS; row < end * ROW_WORDS; row += ROW_WORDS)
      touched ^= this.index.touch(words[row + LOW], words[row + HIGH]) ^ this.accountCounts[words[row + COUNTER]]
    return touched
  }

  /** Forgets what was taken more than the horizon before the stream time. */
  expire(streamTimeMs: number, horizonMs: number): void {
    while (this.length > 0) {
      const page = this.order[0]
      const { words, doubles } = this.pages[page]
      if (doubles[this.start * ROW_DOUBLES + TIME_MS] >= streamTimeMs - horizonMs) return
      const row = this.start * ROW_WORDS
      this.index.remove(slotOf(page, this.start), words[row + LOW], words[row + HIGH])
      this.accountCounts[words[row + COUNTER]]--
      this.length--
      this.start++
      if (this.start === PAGE_IDS) this.freeFirstPage()
    }
  }

  /**
   * Hash of what is remembered within the horizon, in order of arrival. Forgets nothing: whoever asks for the hash may not change what a later
   * policy with a longer horizon still finds.
   */
  canonicalHash(streamTimeMs: number, horizonMs: number): Uint8Array {
    const hash = createHash('sha256')
    const rows = new Float64Array(6 * Math.min(1024, this.length))
    let filled = 0
    this.forEach(({ words, doubles }, at) => {
      const timeMs = doubles[at * ROW_DOUBLES + TIME_MS]
      if (timeMs < streamTimeMs - horizonMs) return
      const row = at * ROW_WORDS
      for (let field = LOW; field <= DIGEST_HIGH; field++) rows[filled++] = words[row + field]
      rows[filled++] = doubles[at * ROW_DOUBLES + SEQUENCE]
      rows[filled++] = timeMs
      if (filled < rows.length) return
      hash.update(rows)
      filled = 0
    })
    hash.update(rows.subarray(0, filled))
    return hash.digest()
  }

  /** Writes everything as it lies, but for what `read` counts again: a quarter of a megabyte, whatever is held. */
  write(writer: ByteWriter): void {
    for (const value of [this.start, this.end, this.length]) writer.varint(value)
    writer.words(Uint32Array.from(this.order))
    for (const page of this.order) {
      const { words, doubles } = this.pages[page]
      writer.words(words)
      writer.words(wordsOf(doubles))
    }
    this.index.write(writer)
  }

  /** Fills a fresh memory from what `write` wrote. Throws `snapshot-unusable`. */
  read(reader: ByteReader): void {
    this.start = reader.varint()
    this.end = reader.varint()
    this.length = reader.varint()
    this.order = [...reader.wordsInPlace()]
    const { order } = this
    const held = order.length * PAGE_IDS - this.start - (PAGE_IDS - this.end)
    if (this.length !== held || this.start >= PAGE_IDS || this.end > PAGE_IDS) reader.refuse(`${this.length} ids where ${held} lie`)
    const used = new Set(order)
    if (used.size < order.length || order.some((page) => page >= MAX_PAGES)) reader.refuse(`pages ${order.join(', ')}`)
    for (let page = 0; page < Math.max(0, ...order); page++) if (!used.has(page)) this.free.push(page)
    for (const page of order) {
      const { words, doubles } = this.makePage(page)
      reader.fillWords(words)
      reader.fillWords(wordsOf(doubles))
    }
    this.index.read(reader)
    this.forEach(({ words }, at) => this.accountCounts[words[at * ROW_WORDS + COUNTER]]++)
  }

  /** Calls back with every id's page and its number there, in order of arrival. */
  private forEach(visit: (page: IdPage, at: number) => void): void {
    this.order.forEach((page, i) => {
      const end = i === this.order.length - 1 ? this.end : PAGE_IDS
      for (let at = i === 0 ? this.start : 0; at < end; at++) visit(this.pages[page], at)
    })
  }

  /** FNV-1a over the account id, seeded with the key: accounts that share a counter share its bound. */
  private counterOf(value: Uint8Array, start: number, end: number): number {
    let hash = this.counterSeed
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ value[i], 0x01000193)
    return (hash ^ (hash >>> 16)) & (ACCOUNT_COUNTERS - 1)
  }

  /** The slot of an id, or -1. */
  private find(low: number, high: number): number {
    const cursor = this.search
    cursor.at = -1
    for (;;) {
      const slot = this.index.next(low, high, cursor)
      if (slot < 0) return -1
      const { words } = this.pages[slot >>> PAGE_SHIFT]
      const row = (slot & (PAGE_IDS - 1)) * ROW_WORDS
      if (words[row + LOW] === low && words[row + HIGH] === high) return slot
    }
  }

  private insert(low: number, high: number, sequence: number, timeMs: number): void {
    if (this.end === PAGE_IDS) this.addPage()
    const page = this.order[this.order.length - 1]
    const { words, doubles } = this.pages[page]
    const at = this.end++
    const row = at * ROW_WORDS
    words[row + LOW] = low
    words[row + HIGH] = high
    words[row + DIGEST_LOW] = this.content.low
    words[row + DIGEST_HIGH] = this.content.high
    words[row + COUNTER] = this.accountCounter
    doubles[at * ROW_DOUBLES + SEQUENCE] = sequence
    doubles[at * ROW_DOUBLES + TIME_MS] = timeMs
    this.accountCounts[this.accountCounter]++
    this.length++
    this.index.add(slotOf(page, at), low, high)
  }

  private endOfFirstPage(): number {
    return this.order.length === 1 ? this.end : PAGE_IDS
  }

  private addPage(): void {
    const page = this.free.pop() ?? this.pages.length
    assert(page < MAX_PAGES, `more than ${MAX_PAGES * PAGE_IDS} event ids are held: the policy's dedupeMaxIds should have refused them`)
    this.makePage(page)
    this.order.push(page)
    this.end = 0
  }

  /** The page of a number, made where it is not yet: of those that a snapshot names none, memory is taken once they are used again. */
  private makePage(page: number): IdPage {
    return (this.pages[page] ??= new IdPage())
  }

  private freeFirstPage(): void {
    this.free.push(this.order.shift()!)
    this.start = 0
    if (this.order.length === 0) this.end = PAGE_IDS
  }
}

/** Number of an id among all. */
function slotOf(page: number, at: number): number {
  return (page << PAGE_SHIFT) | at
}
