import { KeyedRings, readKeyedRings, writeKeyedRings, writeSlotContent, type ByteReader, type ByteWriter } from '@riskledger/windows'
import { FAILED_RING, INTEGERS, LOGIN_RING, PAGE, type RowPages, SMALL_RING, TRADE_RING } from './account-rows'
import { WINDOW_WIDTHS_MS, type Features } from './features'
import { MAX_TOUCHED } from './known-labels'
import type { ProfileOptions } from './profile-options'

const WIDTHS = WINDOW_WIDTHS_MS.length
const NO_RING = -1
/**
 * Events from one account's sweep to the next. A sweep waits for memory that nobody asked for ahead, about a microsecond, which is some ns an event; and a
 * round of all accounts comes before as many events as 128 an account take room.
 */
export const SWEEP_EVERY = 128

/** The windows of all accounts. Payments share the account's slot; the rarer kinds get a ring on first use. */
export class AccountWindows {
  readonly payments: KeyedRings
  private readonly rare: readonly { readonly field: number; readonly rings: KeyedRings }[]
  private readonly used = new Uint32Array(4)
  /** 1 for each of the five windows that stands empty in the one reused `Features`, and need not be cleared again. */
  private readonly blank = new Uint8Array(5)
  private readonly scratch = new Float64Array(2 * WIDTHS)
  private readonly smallRings = new Int32Array(MAX_TOUCHED)
  /** True between `addPayment` and the `read` of the same event: its figures stand in `scratch` already. */
  private stepped = false
  private steppedExact = false
  private untilSweep = SWEEP_EVERY
  /** Slot of the account that is swept next. */
  private swept = 0

  constructor(
    private readonly integers: RowPages<Uint32Array>,
    readonly options: Pick<ProfileOptions, 'graceMs' | 'maxEventsPerKey'>,
  ) {
    const make = (): KeyedRings =>
      new KeyedRings({ widthsMs: WINDOW_WIDTHS_MS, graceMs: options.graceMs, maxEventsPerKey: options.maxEventsPerKey, slots: 16 })
    this.payments = make()
    this.rare = [TRADE_RING, LOGIN_RING, FAILED_RING, SMALL_RING].map((field) => ({ field, rings: make() }))
  }

  private fill(which: number, ring: number, features: Features): void {
    const rings = which === 0 ? this.payments : this.rare[which - 1].rings
    const into =
      which === 0
        ? features.payments
        : which === 1
          ? features.trades
          : which === 2
            ? features.logins
            : which === 3
              ? features.failedLogins
              : features.smallPayments
    const { counts, sumsMinor, exact } = into
    if (ring === NO_RING) {
      if (this.blank[which] === 1) return
      this.blank[which] = 1
      for (let w = 0; w < WIDTHS; w++) {
        counts[w] = 0
        sumsMinor[w] = 0
        exact[w] = true
      }
      return
    }
    this.blank[which] = 0
    const scratch = this.scratch
    const allExact = which === 0 && this.stepped ? this.steppedExact : rings.read(ring, features.eventTimeMs, scratch, 0)
    for (let w = 0; w < WIDTHS; w++) {
      counts[w] = scratch[2 * w]
      sumsMinor[w] = scratch[2 * w + 1]
      exact[w] = allExact || rings.exact[w] === 1
    }
  }

  /** Sets all five windows as seen at the event's time; `slot` -1 for an account without history. */
  read(slot: number, features: Features): void {
    this.fill(0, slot, features)
    this.stepped = false
    this.fill(1, this.ringOf(slot, TRADE_RING), features)
    this.fill(2, this.ringOf(slot, LOGIN_RING), features)
    this.fill(3, this.ringOf(slot, FAILED_RING), features)
    this.fill(4, this.ringOf(slot, SMALL_RING), features)
  }

  private ringOf(slot: number, field: number): number {
    return slot < 0 ? NO_RING : this.integers.pages[slot >>> 8][(slot & (PAGE - 1)) * INTEGERS + field] - 1
  }

  private addRare(which: number, slot: number, timeMs: number, value: number): void {
    const { field, rings } = this.rare[which]
    let ring = this.ringOf(slot, field)
    if (ring < 0) {
      ring = this.used[which]++
      this.integers.pages[slot >>> 8][(slot & (PAGE - 1)) * INTEGERS + field] = ring + 1
    }
    rings.add(ring, timeMs, value)
  }

  /** Reads what the next payments of some accounts will read; see `ProfileStore.touch`. */
  touch(slots: Int32Array, count: number): number {
    const small = this.smallRings
    for (let i = 0; i < count; i++) small[i] = this.ringOf(slots[i], SMALL_RING)
    return this.payments.touchSlots(slots, count) ^ this.rare[3].rings.touchSlots(small, count)
  }

  /** Adds a payment; `read` for the same event comes next. Adding and reading in one walk over the tails costs half of both apart. */
  addPayment(slot: number, features: Features, small: boolean): void {
    this.steppedExact = this.payments.step(slot, features.eventTimeMs, features.amountMinor, this.scratch, 0)
    this.stepped = true
    if (small) this.addRare(3, slot, features.eventTimeMs, features.amountMinor)
  }

  addTrade(slot: number, features: Features): void {
    this.addRare(0, slot, features.eventTimeMs, features.amountMinor)
  }

  addLogin(slot: number, features: Features, failed: boolean): void {
    this.addRare(1, slot, features.eventTimeMs, 0)
    if (failed) this.addRare(2, slot, features.eventTimeMs, 0)
  }

  /**
   * Gives back the room of what has left an account's windows, of one account at every 128th call, all in turn: one that is heard of no more gives
   * nothing back by itself. Looks from the grace and 30 days before the event, and no event that enters windows lies before that: no figure changes.
   */
  sweep(accounts: number, eventTimeMs: number): void {
    if (--this.untilSweep > 0) return
    this.untilSweep = SWEEP_EVERY
    const slot = this.swept < accounts ? this.swept : 0
    this.swept = slot + 1
    const atMs = eventTimeMs - this.payments.retentionMs
    this.payments.expire(slot, atMs)
    for (const { field, rings } of this.rare) {
      const ring = this.ringOf(slot, field)
      if (ring >= 0) rings.expire(ring, atMs)
    }
  }

  /** Canonical content of one account's windows as seen from `atMs`. */
  writeContent(slot: number, atMs: number, writer: ByteWriter): void {
    writeSlotContent(this.payments, { slot, atMs }, writer)
    for (const { field, rings } of this.rare) {
      const ring = this.ringOf(slot, field)
      if (ring < 0) writer.u8(0)
      else {
        writer.u8(1)
        writeSlotContent(rings, { slot: ring, atMs }, writer)
      }
    }
  }

  write(writer: ByteWriter): void {
    writer.varint(this.untilSweep)
    writer.varint(this.swept)
    writeKeyedRings(this.payments, writer)
    for (let i = 0; i < this.rare.length; i++) {
      writer.varint(this.used[i])
      writeKeyedRings(this.rare[i].rings, writer)
    }
  }

  restore(reader: ByteReader): void {
    this.untilSweep = reader.varint()
    this.swept = reader.varint()
    readKeyedRings(this.payments, reader)
    for (let i = 0; i < this.rare.length; i++) {
      this.used[i] = reader.varint()
      readKeyedRings(this.rare[i].rings, reader)
    }
  }
}
