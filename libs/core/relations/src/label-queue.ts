import { strict as assert } from 'node:assert'
import type { ByteReader, ByteWriter } from '@riskledger/windows'
import { FingerprintIndex } from './fingerprint-index'

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
  /** 32-bit signed integers kept with each payment. */
  readonly integerLanes: number
}

/**
 * The payments whose label is awaited or may still be corrected: one queue in order of (time, arrival), in typed arrays, found by the
 * fingerprint of their event. A late arrival is put in its place, so that expiries come in order of time whenever `advance` is called.
 *
 * ```
 *   order   [ forgotten | known or expired ........ | awaiting their label ...... ]
 *                       ^ start                     ^ cursor                      ^ end
 *   time                now - memory                now - delay                   now
 * ```
 *
 * An entry is a small integer, good until it is forgotten. About 60 bytes each.
 */
export class LabelQueue {
  timesMs = new Float64Array(256)
  amountsMinor = new Float64Array(256)
  owners = new Uint32Array(256)
  states = new Uint8Array(256)
  integers: Int32Array
  /** Payments forgotten because `maxEntries` was reached. */
  forgottenEarly = 0

  private lows = new Uint32Array(256)
  private highs = new Uint32Array(256)
  private readonly index = new FingerprintIndex()
  private readonly search = { at: -1 }
  private order = new Uint32Array(256)
  private start = 0
  private cursor = 0
  private end = 0
  private free: number[] = []
  private used = 0

  constructor(public options: LabelQueueOptions) {
    assert(options.memoryMs >= options.delayMs, `memoryMs ${options.memoryMs} is below delayMs ${options.delayMs}`)
    this.integers = new Int32Array(256 * options.integerLanes)
  }

  /** Payments held. */
  get size(): number {
    return this.end - this.start
  }

  /** Takes a payment in, pending, and returns its entry; the caller fills the lanes. */
  add(low: number, high: number, timeMs: number, owner: number): number {
    const entry = this.free.pop() ?? this.used++
    if (entry >= this.timesMs.length) this.grow()
    this.timesMs[entry] = timeMs
    this.owners[entry] = owner
    this.states[entry] = PENDING
    this.lows[entry] = low
    this.highs[entry] = high
    this.index.add(entry, low >>> 0, high >>> 0)
    if (this.end === this.order.length) this.slide()
    let at = this.end
    if (at > this.start && this.timesMs[this.order[at - 1]] > timeMs) at = this.place(timeMs)
    this.order[at] = entry
    this.end++
    return entry
  }

  /** The place after every entry at or before `timeMs`, opened. Entries are late by no more than the grace, which is below the delay. */
  private place(timeMs: number): number {
    let low = this.cursor
    let high = this.end
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.timesMs[this.order[middle]] <= timeMs) low = middle + 1
      else high = middle
    }
    this.order.copyWithin(low + 1, low, this.end)
    return low
  }

  private slide(): void {
    const length = this.end - this.start
    const order = length * 2 > this.order.length ? new Uint32Array(this.order.length * 2) : this.order
    order.set(this.order.subarray(this.start, this.end))
    this.order = order
    this.cursor -= this.start
    this.start = 0
    this.end = length
  }

  private grow(): void {
    const capacity = this.timesMs.length * 2
    const copy = <T extends Float64Array | Uint32Array | Int32Array | Uint8Array>(into: T, from: T): T => {
      into.set(from)
      return into
    }
    this.timesMs = copy(new Float64Array(capacity), this.timesMs)
    this.amountsMinor = copy(new Float64Array(capacity), this.amountsMinor)
    this.owners = copy(new Uint32Array(capacity), this.owners)
    this.states = copy(new Uint8Array(capacity), this.states)
    this.lows = copy(new Uint32Array(capacity), this.lows)
    this.highs = copy(new Uint32Array(capacity), this.highs)
    this.integers = copy(new Int32Array(capacity * this.options.integerLanes), this.integers)
  }

  /** The payment of this event at this time, or -1. The time is part of the match, since ids are chosen by strangers. */
  find(low: number, high: number, timeMs: number): number {
    const cursor = this.search
    cursor.at = -1
    for (;;) {
      const entry = this.index.next(low >>> 0, high >>> 0, cursor)
      if (entry < 0) return -1
      if (this.lows[entry] === low >>> 0 && this.highs[entry] === high >>> 0 && this.timesMs[entry] === timeMs) return entry
    }
  }

  /** The next entry whose delay is over (`time + delay < now`), in order of time, or -1. Known ones come too: look at `states`. */
  nextDue(nowMs: number): number {
    if (this.cursor === this.end) return -1
    const entry = this.order[this.cursor]
    if (this.timesMs[entry] + this.options.delayMs >= nowMs) return -1
    this.cursor++
    return entry
  }

  /** Forgets the oldest entry if its memory is over (`time + memory < now`), or, to make room, if `maxEntries` are held. Returns it, or -1. */
  nextForgotten(nowMs: number): number {
    if (this.start === this.end) return -1
    const entry = this.order[this.start]
    if (this.timesMs[entry] + this.options.memoryMs >= nowMs) {
      if (this.size < this.options.maxEntries) return -1
      this.forgottenEarly++
    }
    this.start++
    if (this.cursor < this.start) this.cursor = this.start
    this.index.remove(entry, this.lows[entry], this.highs[entry])
    this.free.push(entry)
    return entry
  }

  /** Calls back with every entry held, in order of (time, arrival). */
  forEach(visit: (entry: number) => void): void {
    for (let i = this.start; i < this.end; i++) visit(this.order[i])
  }

  /** Writes one entry without its owner, and of its lanes only the first `lanes`: those behind hold numbers of no meaning outside. */
  writeEntry(entry: number, writer: ByteWriter, lanes = this.options.integerLanes): void {
    const stride = this.options.integerLanes
    writer.u32(this.lows[entry])
    writer.u32(this.highs[entry])
    writer.f64(this.timesMs[entry])
    writer.f64(this.amountsMinor[entry])
    writer.u8(this.states[entry])
    for (let lane = 0; lane < lanes; lane++) writer.signedVarint(this.integers[entry * stride + lane])
  }

  /** Writes everything, for a snapshot. */
  write(writer: ByteWriter): void {
    writer.varint(this.size)
    writer.varint(this.cursor - this.start)
    writer.varint(this.forgottenEarly)
    this.forEach((entry) => {
      writer.varint(this.owners[entry])
      this.writeEntry(entry, writer)
    })
  }

  /** Fills a fresh queue from what `write` wrote; entries get new numbers, in order. */
  read(reader: ByteReader): void {
    assert(this.used === 0, 'a snapshot is read into a fresh queue')
    const lanes = this.options.integerLanes
    const size = reader.varint()
    const known = reader.varint()
    this.forgottenEarly = reader.varint()
    for (let i = 0; i < size; i++) {
      const owner = reader.varint()
      const low = reader.u32()
      const high = reader.u32()
      const entry = this.add(low, high, reader.f64(), owner)
      this.amountsMinor[entry] = reader.f64()
      this.states[entry] = reader.u8()
      for (let lane = 0; lane < lanes; lane++) this.integers[entry * lanes + lane] = reader.signedVarint()
    }
    this.cursor = this.start + known
  }
}
