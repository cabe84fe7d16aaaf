import { strict as assert } from 'node:assert'
import type { ByteReader } from './byte-reader'
import type { ByteWriter } from './byte-writer'
import { grown, growingArray } from './growing-array'
import { SlabPool } from './slab-pool'

/** Distinct members are counted exactly up to here. */
export const MAX_DISTINCT = 64

/** What a `DistinctRings` is made of; fixed for its life. */
export interface DistinctRingsOptions {
  /** Lengths of the windows, in ms: 1 to 8 of them. */
  readonly widthsMs: readonly number[]
  /** Slots to make room for at once; more are added as needed. Default 1,024. */
  readonly slots?: number
}

const FORMAT = 1
const NEVER = -Infinity
// Bookkeeping of a slot: first cell of its block, two cells a member; log2 of its capacity + 1 (0: none); members held.
const STRIDE = 3
const MAX_LOG2 = 6

/**
 * Exact numbers of distinct members over sliding windows `(at - width, at]`, for many keys, up to 64; beyond it "at least 64".
 *
 * A slot keeps its 64 members of the newest last sight: whatever was pushed out was last seen before all that stay, so a window
 * with fewer than 64 of them has missed nothing. Members are safe integers: ids, or hashes whose collisions the caller accepts.
 *
 * @example
 * const devices = new DistinctRings({ widthsMs: [86_400_000] })
 * const out = new Float64Array(1)
 * devices.touch(0, 77, 1_000)
 * devices.touch(0, 78, 2_000)
 * devices.read(0, 2_000, out, 0) // true; out is [2]
 */
export class DistinctRings {
  readonly widthsMs: Float64Array
  /** After a `read` that returned false: 1 for each width whose number is exact, 0 where it is a lower bound. */
  readonly exact: Uint8Array
  private readonly longestMs: number
  private readonly pool: SlabPool
  private readonly pushedOut = new Map<number, number>()
  private slots: Int32Array

  constructor(options: DistinctRingsOptions) {
    const { widthsMs, slots = 1024 } = options
    assert(widthsMs.length >= 1 && widthsMs.length <= 8, `widthsMs has ${widthsMs.length} widths; allowed are 1 to 8`)
    for (const width of widthsMs)
      assert(Number.isSafeInteger(width) && width > 0, `a width of ${width} ms; it must be a whole number above 0`)
    this.widthsMs = Float64Array.from(widthsMs)
    this.longestMs = Math.max(...widthsMs)
    this.exact = new Uint8Array(widthsMs.length).fill(1)
    this.pool = new SlabPool(slots * 4)
    this.slots = growingArray(Int32Array, slots * STRIDE)
  }

  private growSlots(need: number): void {
    this.slots = grown(this.slots, Math.max(need * STRIDE, this.slots.length * 2))
  }

  /** Notes that the slot's key was seen with this member, on time or late. */
  touch(slot: number, member: number, timeMs: number): void {
    if ((slot + 1) * STRIDE > this.slots.length) this.growSlots(slot + 1)
    const m = slot * STRIDE
    const start = this.slots[m]
    const end = start + this.slots[m + 2] * 2
    const pairs = this.pool.doubles
    for (let a = start; a < end; a += 2) {
      if (pairs[a] !== member) continue
      if (timeMs > pairs[a + 1]) pairs[a + 1] = timeMs
      return
    }
    const a = this.placeFor(slot, member, timeMs)
    if (a < 0) return
    this.pool.doubles[a] = member
    this.pool.doubles[a + 1] = timeMs
  }

  /** Index into the pairs for a newcomer: behind the others, or in place of the one to forget; -1 if that is the newcomer itself. */
  private placeFor(slot: number, member: number, timeMs: number): number {
    const m = slot * STRIDE
    const count = this.slots[m + 2]
    const log2 = this.slots[m + 1] - 1
    if (log2 < 0) {
      this.slots[m] = this.pool.allocate(1)
      this.slots[m + 1] = 1
    } else if (count === 1 << log2) {
      const pairs = this.pool.doubles
      const oldest = this.oldestAt(slot)
      const oldestMs = pairs[oldest + 1]
      if (oldestMs <= timeMs - this.longestMs) return oldest
      if (log2 === MAX_LOG2) {
        const newcomerGoes = timeMs < oldestMs || (timeMs === oldestMs && member < pairs[oldest])
        this.pushedOut.set(slot, Math.max(this.pushedOutMs(slot), newcomerGoes ? timeMs : oldestMs))
        return newcomerGoes ? -1 : oldest
      }
      this.widen(slot, log2)
    }
    this.slots[m + 2] = count + 1
    return this.slots[m] + count * 2
  }

  /** Where the member of the oldest last sight lies; of equal ones the smallest, so that the choice does not depend on layout. */
  private oldestAt(slot: number): number {
    const pairs = this.pool.doubles
    const start = this.slots[slot * STRIDE]
    const end = start + this.slots[slot * STRIDE + 2] * 2
    let oldest = start
    for (let a = start + 2; a < end; a += 2) {
      if (pairs[a + 1] < pairs[oldest + 1] || (pairs[a + 1] === pairs[oldest + 1] && pairs[a] < pairs[oldest])) oldest = a
    }
    return oldest
  }

  private widen(slot: number, log2: number): void {
    const m = slot * STRIDE
    const from = this.slots[m]
    const to = this.pool.allocate(log2 + 2)
    this.pool.doubles.copyWithin(to, from, from + (2 << log2))
    this.pool.release(from, log2 + 1)
    this.slots[m] = to
    this.slots[m + 1] = log2 + 2
  }

  private pushedOutMs(slot: number): number {
    return this.pushedOut.get(slot) ?? NEVER
  }

  /**
   * Writes the number of distinct members of each width, in the order of `widthsMs`, to `out` from `offset` on; changes nothing.
   * Returns true if all are exact. Otherwise `exact` tells for which widths, and the others are lower bounds: more than 64 members, or a time of
   * reading before the slot's newest (then members seen again since are left out, as their earlier sights are not kept).
   */
  read(slot: number, atMs: number, out: Float64Array, offset: number): boolean {
    const widths = this.widthsMs.length
    out.fill(0, offset, offset + widths)
    if ((slot + 1) * STRIDE > this.slots.length) return true
    const pairs = this.pool.doubles
    const start = this.slots[slot * STRIDE]
    const end = start + this.slots[slot * STRIDE + 2] * 2
    let newer = false
    for (let a = start; a < end; a += 2) {
      const lastMs = pairs[a + 1]
      if (lastMs > atMs) newer = true
      else for (let w = 0; w < widths; w++) if (lastMs > atMs - this.widthsMs[w]) out[offset + w]++
    }
    if (!newer && end - start < 2 * MAX_DISTINCT) return true
    const pushedOutMs = this.pushedOutMs(slot)
    let all = true
    for (let w = 0; w < widths; w++) {
      const exact = !newer && pushedOutMs <= atMs - this.widthsMs[w]
      this.exact[w] = exact ? 1 : 0
      all &&= exact
    }
    return all
  }

  /** Forgets the slot and gives its room back. */
  release(slot: number): void {
    const m = slot * STRIDE
    if (m >= this.slots.length || this.slots[m + 1] === 0) return
    this.pool.release(this.slots[m], this.slots[m + 1])
    this.pushedOut.delete(slot)
    this.slots.fill(0, m, m + STRIDE)
  }

  /**
   * Writes the canonical content of a slot as seen from `atMs` (at or after all its sights): equal for equal histories, whatever the layout.
   * Returns the number of members.
   */
  writeSlotContent(slot: number, atMs: number, writer: ByteWriter): number {
    const edgeMs = atMs - this.longestMs
    const held: [member: number, lastMs: number][] = []
    const start = this.slots[slot * STRIDE] ?? 0
    const end = start + (this.slots[slot * STRIDE + 2] ?? 0) * 2
    for (let a = start; a < end; a += 2) if (this.pool.doubles[a + 1] > edgeMs) held.push([this.pool.doubles[a], this.pool.doubles[a + 1]])
    held.sort((a, b) => a[1] - b[1] || a[0] - b[0])
    writer.f64(this.pushedOutMs(slot) > edgeMs ? this.pushedOutMs(slot) : NEVER)
    writer.varint(held.length)
    for (const [member, lastMs] of held) {
      writer.signedVarint(member)
      writer.signedVarint(lastMs)
    }
    return held.length
  }

  /** Writes everything that `readSnapshot` needs to go on as if nothing had happened. */
  writeSnapshot(writer: ByteWriter): void {
    writer.u8(FORMAT)
    writer.varint(this.widthsMs.length)
    this.widthsMs.forEach((width) => writer.varint(width))
    for (let slot = 0; (slot + 1) * STRIDE <= this.slots.length; slot++) {
      if (this.slots[slot * STRIDE + 1] === 0) continue
      writer.varint(slot + 1)
      this.writeSlotContent(slot, NEVER, writer)
    }
    writer.varint(0)
  }

  /** Fills empty rings of the same widths from what `writeSnapshot` wrote. Throws `snapshot-unusable`, also for other widths. */
  readSnapshot(reader: ByteReader): void {
    if (reader.u8() !== FORMAT) reader.refuse('another format of distinct rings')
    if (reader.varint() !== this.widthsMs.length) reader.refuse('another number of widths')
    this.widthsMs.forEach((width) => reader.varint() === width || reader.refuse(`no width of ${width} ms at its place`))
    for (let slot = reader.varint() - 1; slot >= 0; slot = reader.varint() - 1) {
      const pushedOutMs = reader.f64()
      const count = reader.varint()
      if (count > MAX_DISTINCT) reader.refuse(`slot ${slot} holds ${count} members`)
      if (this.slots[slot * STRIDE + 1] > 0) reader.refuse(`slot ${slot} is there twice`)
      if (count > 0) this.readMembers(slot, count, reader)
      if (pushedOutMs > NEVER) this.pushedOut.set(slot, pushedOutMs)
    }
  }

  /** Places members as they are: touched one by one, later ones would push out those that have left the longest window but are still held. */
  private readMembers(slot: number, count: number, reader: ByteReader): void {
    if ((slot + 1) * STRIDE > this.slots.length) this.growSlots(slot + 1)
    const log2 = 32 - Math.clz32(count - 1)
    const start = this.pool.allocate(log2 + 1)
    this.slots.set([start, log2 + 1, count], slot * STRIDE)
    for (let a = start; a < start + 2 * count; a++) this.pool.doubles[a] = reader.signedVarint()
  }
}
