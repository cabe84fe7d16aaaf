import { createHash } from 'node:crypto'
import { wordsOf, type ByteReader, type ByteWriter } from '@riskledger/windows'
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
/** Ids that there is room for at first: a power of two. */
const FIRST_CAPACITY = 64
const ID_START = 10
const ID_END = 26

/**
 * Remembers which event ids a partition took within the horizon: a keyed fingerprint of the id, the first sequence, a digest of the content.
 * A queue in order of arrival (struct of arrays) with an open-addressing index over it; about 53 B an event, index included.
 */
export class EventMemory {
  /** Sequence under which the id of the last `look` was first taken; meaningful after 'duplicate' and 'conflicting'. */
  firstSequence = 0
  private capacity = FIRST_CAPACITY
  private head = 0
  private length = 0
  private low = new Uint32Array(this.capacity)
  private high = new Uint32Array(this.capacity)
  private digestLow = new Uint32Array(this.capacity)
  private digestHigh = new Uint32Array(this.capacity)
  private sequences = new Float64Array(this.capacity)
  private times = new Float64Array(this.capacity)
  private accounts = new Uint16Array(this.capacity)
  /**
   * Cells of queue slot + 1 (0: empty) and the low half of its fingerprint, which spares a look at the slot. Twice the capacity, so at most half
   * full.
   */
  private index = new Int32Array(this.capacity * 4)
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
      this.firstSequence = this.sequences[found]
      return this.digestLow[found] === this.content.low && this.digestHigh[found] === this.content.high ? 'duplicate' : 'conflicting'
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
    const { index, capacity } = this
    const mask = capacity * 2 - 1
    let touched = 0
    for (let i = 0; i < count; i++) touched ^= index[2 * (this.aheadLow[i] & mask)] ^ this.accountCounts[this.aheadCounters[i]]
    for (let i = 0; i < count; i++) {
      const slot = (this.head + i) & (capacity - 1)
      touched ^= index[2 * (this.low[slot] & mask)] ^ this.accountCounts[this.accounts[slot]]
    }
    return touched
  }

  /** Forgets what was taken more than the horizon before the stream time. */
  expire(streamTimeMs: number, horizonMs: number): void {
    while (this.length > 0 && this.times[this.head] < streamTimeMs - horizonMs) {
      this.unindex(this.head)
      this.accountCounts[this.accounts[this.head]]--
      this.head = (this.head + 1) & (this.capacity - 1)
      this.length--
    }
  }

  /**
   * Hash of what is remembered within the horizon, in order of arrival. Forgets nothing: whoever asks for the hash may not change what a later
   * policy with a longer horizon still finds.
   */
  canonicalHash(streamTimeMs: number, horizonMs: number): Uint8Array {
    const hash = createHash('sha256')
    const words = new Float64Array(6 * Math.min(1024, this.length))
    let filled = 0
    this.forEachSlot((slot) => {
      if (this.times[slot] < streamTimeMs - horizonMs) return
      words.set(
        [this.low[slot], this.high[slot], this.digestLow[slot], this.digestHigh[slot], this.sequences[slot], this.times[slot]],
        filled,
      )
      filled += 6
      if (filled === words.length) {
        hash.update(words)
        filled = 0
      }
    })
    hash.update(words.subarray(0, filled))
    return hash.digest()
  }

  /** Writes everything as it lies, but for what `read` counts again: a quarter of a megabyte, whatever is held. */
  write(writer: ByteWriter): void {
    for (const value of [this.capacity, this.head, this.length]) writer.varint(value)
    for (const column of this.columns()) writer.words(wordsOf(column))
    writer.words(wordsOf(this.index))
  }

  /** Replaces everything by what `write` wrote. Throws `snapshot-unusable`. */
  read(reader: ByteReader): void {
    this.capacity = reader.varint()
    this.head = reader.varint()
    this.length = reader.varint()
    if (this.length > this.capacity || this.capacity > reader.remainingBytes)
      reader.refuse(`${this.length} ids where ${this.capacity} have room`)
    this.makeRoom(this.capacity)
    for (const column of this.columns()) reader.fillWords(wordsOf(column))
    reader.fillWords(wordsOf(this.index))
    this.accountCounts.fill(0)
    this.forEachSlot((slot) => this.accountCounts[this.accounts[slot]]++)
  }

  private columns(): readonly (Uint32Array | Float64Array | Uint16Array)[] {
    const { low, high, digestLow, digestHigh, sequences, times, accounts } = this
    return [low, high, digestLow, digestHigh, sequences, times, accounts]
  }

  private forEachSlot(visit: (slot: number) => void): void {
    for (let i = 0; i < this.length; i++) visit((this.head + i) & (this.capacity - 1))
  }

  /** FNV-1a over the account id, seeded with the key: accounts that share a counter share its bound. */
  private counterOf(value: Uint8Array, start: number, end: number): number {
    let hash = this.counterSeed
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ value[i], 0x01000193)
    return (hash ^ (hash >>> 16)) & (ACCOUNT_COUNTERS - 1)
  }

  private find(low: number, high: number): number {
    const { index } = this
    const mask = this.capacity * 2 - 1
    for (let at = low & mask; index[2 * at] !== 0; at = (at + 1) & mask) {
      if (index[2 * at + 1] !== (low | 0)) continue
      const slot = index[2 * at] - 1
      if (this.high[slot] === high) return slot
    }
    return -1
  }

  private insert(low: number, high: number, sequence: number, timeMs: number): void {
    if (this.length === this.capacity) this.grow()
    const slot = (this.head + this.length) & (this.capacity - 1)
    this.low[slot] = low
    this.high[slot] = high
    this.digestLow[slot] = this.content.low
    this.digestHigh[slot] = this.content.high
    this.sequences[slot] = sequence
    this.times[slot] = timeMs
    this.accounts[slot] = this.accountCounter
    this.accountCounts[this.accountCounter]++
    this.length++
    this.place(slot)
  }

  private place(slot: number): void {
    const { index } = this
    const mask = this.capacity * 2 - 1
    let at = this.low[slot] & mask
    while (index[2 * at] !== 0) at = (at + 1) & mask
    index[2 * at] = slot + 1
    index[2 * at + 1] = this.low[slot]
  }

  /** Takes a slot out of the index, moving later ones of its run back so that no probe ends early. */
  private unindex(slot: number): void {
    const { index } = this
    const mask = this.capacity * 2 - 1
    let hole = this.low[slot] & mask
    while (index[2 * hole] !== slot + 1) hole = (hole + 1) & mask
    for (let at = (hole + 1) & mask; index[2 * at] !== 0; at = (at + 1) & mask) {
      const home = index[2 * at + 1] & mask
      if (((at - home) & mask) < ((at - hole) & mask)) continue
      index[2 * hole] = index[2 * at]
      index[2 * hole + 1] = index[2 * at + 1]
      hole = at
    }
    index[2 * hole] = 0
  }

  private grow(): void {
    const { head, capacity } = this
    const before = this.columns()
    this.makeRoom(capacity * 2)
    this.columns().forEach((column, i) => {
      column.set(before[i].subarray(head))
      column.set(before[i].subarray(0, head), capacity - head)
    })
    this.head = 0
    this.forEachSlot((slot) => this.place(slot))
  }

  /** Empty columns and an empty index for this many ids, a power of two. */
  private makeRoom(capacity: number): void {
    this.capacity = capacity
    this.low = new Uint32Array(capacity)
    this.high = new Uint32Array(capacity)
    this.digestLow = new Uint32Array(capacity)
    this.digestHigh = new Uint32Array(capacity)
    this.sequences = new Float64Array(capacity)
    this.times = new Float64Array(capacity)
    this.accounts = new Uint16Array(capacity)
    this.index = new Int32Array(capacity * 4)
  }
}
