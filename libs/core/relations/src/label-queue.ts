import { strict as assert } from 'node:assert'
import { doublesOf, FingerprintIndex, grown, growingArray, wordsOf, type ByteReader, type ByteWriter } from '@riskledger/windows'

/** Label of a remembered payment: not known yet. */
export const PENDING = 0
/** Legitimate because the delay passed; a fraud report may still correct it. */
export const LEGITIMATE = 1
/** Fraud, by an outcome. */
export const FRAUD = 2
/** Legitimate by an outcome, which stands against later ones. */
export const CLEARED = 3

/** What a `LabelQueue` is made of. */
export interface LabelQueueOptions {
  /** A payment without a fraud report becomes legitimate once the time is past its own by more than this, in ms. */
  readonly delayMs: number
  /** A payment is forgotten once the time is past its own by more than this, in ms; at least `delayMs`. */
  readonly memoryMs: number
  /** Payments held at once; beyond it the oldest are forgotten early, and counted. */
  readonly maxEntries: number
  /** 32-bit signed integers kept with each payment, at most 8. */
  readonly integerLanes: number
}

// An entry is one cache line of 64 bytes: time and amount as doubles, then 32-bit words.
const ENTRY_WORDS_LOG2 = 4
const ENTRY_DOUBLES_LOG2 = 3
const AMOUNT = 1 // double; the time is the one before it
const LOW = 4
const HIGH = 5
const OWNER = 6
const STATE = 7
const LANES = 8
const MAX_LANES = 8

/**
 * The payments whose label is awaited or may still be corrected: one queue in order of (time, arrival), in one typed array, found by the
 * fingerprint of their event. A late arrival is put in its place, so that expiries come in order of time whenever `advance` is called.
 *
 * ```
 *   order   [ forgotten | known or expired ........ | awaiting their label ...... ]
 *                       ^ start                     ^ cursor                      ^ end
 *   time                now - memory                now - delay                   now
 * ```
 *
 * An entry is a small integer, good until it is forgotten. 64 bytes each, a cache line, and 12 to 24 for its places in order and index.
 */
export class LabelQueue {
  /** All entries; the lanes of one begin at `lanes(entry)`. Another array after each `add`. */
  words = growingArray(Int32Array, 256 << ENTRY_WORDS_LOG2)
  /** Payments forgotten because `maxEntries` was reached. */
  forgottenEarly = 0

  private doubles = doublesOf(this.words)
  private readonly index = new FingerprintIndex()
  private readonly search = { at: -1 }
  /** No growing array: late ones are put into their place by moving those behind it, which is done byte by byte where memory is shared. */
  private order = new Uint32Array(256)
  private start = 0
  private cursor = 0
  private end = 0
  private free: number[] = []
  private used = 0

  constructor(public options: LabelQueueOptions) {
    assert(options.memoryMs >= options.delayMs, `memoryMs ${options.memoryMs} is below delayMs ${options.delayMs}`)
    assert(options.integerLanes <= MAX_LANES, `${options.integerLanes} lanes; an entry has room for ${MAX_LANES}`)
  }

  /** Time of an entry, epoch ms. */
  timeMs(entry: number): number {
    return this.doubles[entry << ENTRY_DOUBLES_LOG2]
  }

  amountMinor(entry: number): number {
    return this.doubles[(entry << ENTRY_DOUBLES_LOG2) + AMOUNT]
  }

  setAmountMinor(entry: number, amountMinor: number): void {
    this.doubles[(entry << ENTRY_DOUBLES_LOG2) + AMOUNT] = amountMinor
  }

  /** What the entry was added for: an account's or a counterparty's number. */
  owner(entry: number): number {
    return this.words[(entry << ENTRY_WORDS_LOG2) + OWNER]
  }

  /** `PENDING`, `LEGITIMATE`, `FRAUD` or `CLEARED`. */
  state(entry: number): number {
    return this.words[(entry << ENTRY_WORDS_LOG2) + STATE]
  }

  setState(entry: number, state: number): void {
    this.words[(entry << ENTRY_WORDS_LOG2) + STATE] = state
  }

  /** Where an entry's lanes begin in `words`. */
  lanes(entry: number): number {
    return (entry << ENTRY_WORDS_LOG2) + LANES
  }

  /** Payments held. */
  get size(): number {
    return this.end - this.start
  }

  /** Takes a payment in, pending, and returns its entry; the caller fills the lanes. */
  add(low: number, high: number, timeMs: number, owner: number): number {
    const entry = this.free.pop() ?? this.used++
    const at = entry << ENTRY_WORDS_LOG2
    if (at >= this.words.length) this.grow(this.words.length * 2)
    const words = this.words
    this.doubles[entry << ENTRY_DOUBLES_LOG2] = timeMs
    words[at + LOW] = low
    words[at + HIGH] = high
    words[at + OWNER] = owner
    words[at + STATE] = PENDING
    this.index.add(entry, low >>> 0, high >>> 0)
    if (this.end === this.order.length) this.slide()
    let place = this.end
    if (place > this.start && this.timeMs(this.order[place - 1]) > timeMs) place = this.place(timeMs)
    this.order[place] = entry
    this.end++
    return entry
  }

  /** The place after every entry at or before `timeMs`, opened. Entries are late by no more than the grace, which is below the delay. */
  private place(timeMs: number): number {
    let low = this.cursor
    let high = this.end
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.timeMs(this.order[middle]) <= timeMs) low = middle + 1
      else high = middle
    }
    this.order.copyWithin(low + 1, low, this.end)
    return low
  }

  /** Room for another in the order: that of those forgotten, where they are half of it, else new. */
  private slide(): void {
    const length = this.end - this.start
    const order = length * 2 > this.order.length ? new Uint32Array(this.order.length * 2) : this.order
    order.set(this.order.subarray(this.start, this.end))
    this.order = order
    this.cursor -= this.start
    this.start = 0
    this.end = length
  }

  private grow(length: number): void {
    this.words = grown(this.words, length)
    this.doubles = doublesOf(this.words)
  }

  /** The payment of this event at this time, or -1. The time is part of the match, since ids are chosen by strangers. */
  find(low: number, high: number, timeMs: number): number {
    const cursor = this.search
    cursor.at = -1
    for (;;) {
      const entry = this.index.next(low >>> 0, high >>> 0, cursor)
      if (entry < 0) return -1
      const at = entry << ENTRY_WORDS_LOG2
      if (this.words[at + LOW] === (low | 0) && this.words[at + HIGH] === (high | 0) && this.timeMs(entry) === timeMs) return entry
    }
  }

  /**
   * Reads what the next `count` calls of `nextDue` and `nextForgotten` will read, so that the waits for memory overlap. Changes nothing;
   * `visitDue` sees the due entries, `visitForgotten` the others. The number that comes back only keeps the reading from being left out.
   */
  touchNext(count: number, visitDue: (entry: number) => number, visitForgotten = visitDue): number {
    let touched = 0
    for (let i = this.cursor, end = Math.min(this.end, i + count); i < end; i++) touched ^= this.words[this.order[i] << ENTRY_WORDS_LOG2]
    const forgottenEnd = Math.min(this.cursor, this.start + count)
    for (let i = this.start; i < forgottenEnd; i++) touched ^= this.words[this.order[i] << ENTRY_WORDS_LOG2]
    for (let i = this.start; i < forgottenEnd; i++) {
      const at = this.order[i] << ENTRY_WORDS_LOG2
      touched ^= this.index.touch(this.words[at + LOW] >>> 0, this.words[at + HIGH] >>> 0)
    }
    for (let i = this.start; i < forgottenEnd; i++) touched ^= visitForgotten(this.order[i])
    for (let i = this.cursor, end = Math.min(this.end, i + count); i < end; i++) touched ^= visitDue(this.order[i])
    return touched
  }

  /** Reads what `add` of this fingerprint will read; see `touchNext`. */
  touchNew(low: number, high: number): number {
    return this.index.touch(low >>> 0, high >>> 0)
  }

  /** The next entry whose delay is over (`time + delay < now`), in order of time, or -1. Known ones come too: look at `states`. */
  nextDue(nowMs: number): number {
    if (this.cursor === this.end) return -1
    const entry = this.order[this.cursor]
    if (this.timeMs(entry) + this.options.delayMs >= nowMs) return -1
    this.cursor++
    return entry
  }

  /** Forgets the oldest entry if its memory is over (`time + memory < now`), or, to make room, if `maxEntries` are held. Returns it, or -1. */
  nextForgotten(nowMs: number): number {
    if (this.start === this.end) return -1
    const entry = this.order[this.start]
    if (this.timeMs(entry) + this.options.memoryMs >= nowMs) {
      if (this.size < this.options.maxEntries) return -1
      this.forgottenEarly++
    }
    this.start++
    if (this.cursor < this.start) this.cursor = this.start
    const at = entry << ENTRY_WORDS_LOG2
    this.index.remove(entry, this.words[at + LOW] >>> 0, this.words[at + HIGH] >>> 0)
    this.free.push(entry)
    return entry
  }

  /** Calls back with every entry held, in order of (time, arrival). */
  forEach(visit: (entry: number) => void): void {
    for (let i = this.start; i < this.end; i++) visit(this.order[i])
  }

  /** Writes one entry without its owner, and of its lanes only the first `lanes`: those behind hold numbers of no meaning outside. */
  writeEntry(entry: number, writer: ByteWriter, lanes = this.options.integerLanes): void {
    const at = entry << ENTRY_WORDS_LOG2
    writer.u32(this.words[at + LOW] >>> 0)
    writer.u32(this.words[at + HIGH] >>> 0)
    writer.f64(this.timeMs(entry))
    writer.f64(this.amountMinor(entry))
    writer.u8(this.state(entry))
    for (let lane = 0; lane < lanes; lane++) writer.signedVarint(this.words[at + LANES + lane])
  }

  /** Writes everything as it lies, for a snapshot. */
  write(writer: ByteWriter): void {
    writer.varint(this.used)
    writer.varint(this.cursor - this.start)
    writer.varint(this.forgottenEarly)
    writer.words(wordsOf(this.words.subarray(0, this.used << ENTRY_WORDS_LOG2)))
    writer.words(this.order.subarray(this.start, this.end))
    writer.words(Uint32Array.from(this.free))
    this.index.write(writer)
  }

  /** Fills a fresh queue from what `write` wrote; entries keep their numbers. */
  read(reader: ByteReader): void {
    assert(this.used === 0, 'a snapshot is read into a fresh queue')
    this.used = reader.varint()
    const known = reader.varint()
    this.forgottenEarly = reader.varint()
    const length = this.used << ENTRY_WORDS_LOG2
    if (this.words.length < length) this.grow(length)
    reader.fillWords(wordsOf(this.words.subarray(0, length)))
    const order = reader.wordsInPlace()
    this.order = new Uint32Array(Math.max(256, 2 * order.length))
    this.order.set(order)
    this.end = order.length
    this.cursor = known
    this.free = [...reader.wordsInPlace()]
    this.index.read(reader)
  }
}
