import { RiskError } from '@riskledger/contracts'
import { spanLength, spanStart, spanText, type TokenSpan } from '@riskledger/events'
import type { FactKind } from '@riskledger/journal'
import type { FactRows } from '@riskledger/relations'
import { ASK_BY_TEXT, grown, KeyInterner, wordsOf, type ByteReader, type ByteWriter } from '@riskledger/windows'
import { OfferedFacts } from './offered-facts'

/** A fact as relations published it. */
export interface KnownFact {
  readonly value: Uint8Array
  readonly sourceStream: string
  readonly sourceRevision: number
}

/** A fact that an input used, by its place in the relations streams. */
export interface FactReference {
  readonly kind: FactKind
  readonly keyToken: string
  readonly sourceStream: string
  readonly sourceRevision: number
}

// What stands in a key's row.
const NOTHING = 0
const CURRENT = 1
/** Something was offered since. */
const BEHIND = 2

/**
 * The facts of one kind by key, found from a token's bytes without making text of them. All of them lie in columns: hundreds of thousands of objects would
 * be work for the garbage collector, and for each snapshot.
 */
export class FactShelf<T> {
  private readonly keys = new KeyInterner()
  private readonly streams = new KeyInterner()
  private states = new Uint8Array(64)
  private rows: Float64Array
  /** Revision + 1 and number of the stream where a key's fact stands; 0 where there is none. */
  private places = new Float64Array(2 * 64)
  /** What was offered of a key since it was last looked at. */
  private offered = new OfferedFacts()
  private readonly fact: T
  /** The row of the fact that was decoded last. */
  private readonly decoded: Float64Array

  constructor(
    readonly kind: FactKind,
    private readonly layout: FactRows<T>,
  ) {
    this.rows = new Float64Array(64 * layout.width)
    this.fact = layout.blank()
    this.decoded = new Float64Array(layout.width)
  }

  /** The number of a key; -1 where nothing was ever known of it. */
  find(bytes: Uint8Array, span: TokenSpan): number {
    const slot = this.keys.findBytes(bytes, spanStart(span), spanLength(span))
    return slot === ASK_BY_TEXT ? this.keys.find(spanText(bytes, span, true)) : slot
  }

  /** Where the fact of a key stands. */
  referenceOf(slot: number): FactReference {
    const { places } = this
    const sourceStream = this.streams.keyOf(places[2 * slot + 1]) ?? ''
    return { kind: this.kind, keyToken: this.keys.keyOf(slot)!, sourceStream, sourceRevision: places[2 * slot] - 1 }
  }

  /** The fact of a key as it was published. */
  valueOf(slot: number): Uint8Array {
    return this.layout.encode(this.layout.read(this.rows, slot * this.layout.width, this.fact))
  }

  /** Reads what a look at these keys will read (see `InputsAhead`); numbers below 0 are passed over. */
  touch(slots: Int32Array, count: number): number {
    const { rows, states } = this
    const { width } = this.layout
    let touched = 0
    for (let i = 0; i < count; i++) {
      const slot = slots[i]
      if (slot < 0) continue
      touched ^= states[slot]
      for (let at = slot * width, end = at + width; at < end; at += 8) touched ^= rows[at]
    }
    return touched
  }

  /**
   * The fact of a key, in one object overwritten by the next call; undefined where there is none. What was offered is taken over first: `taken`
   * is told of it.
   */
  look(slot: number, taken: (fact: FactReference & KnownFact) => void): T | undefined {
    const state = this.states[slot]
    if (state === NOTHING) return undefined
    if (state === BEHIND && !this.settle(slot, taken)) return undefined
    return this.layout.read(this.rows, slot * this.layout.width, this.fact)
  }

  private settle(slot: number, taken: (fact: FactReference & KnownFact) => void): boolean {
    const { offered } = this
    // After a restart the source may still be reading its way up to what the journal has used already: nothing older comes
    // back. One entry may hold a key several times, for epochs that end one after the other: the same revision is not older.
    if (offered.revisionOf(slot) + 1 >= this.places[2 * slot]) {
      const value = offered.valueOf(slot)
      this.decode(value)
      if (!this.holdsDecoded(slot)) {
        this.put(slot, { revision: offered.revisionOf(slot), stream: offered.streamOf(slot) })
        taken({ ...this.referenceOf(slot), value })
      }
    }
    offered.delete(slot)
    return this.refreshState(slot)
  }

  /** Sets the state of a key by what is held of it; true where there is a fact. */
  private refreshState(slot: number): boolean {
    const isThere = this.isHeld(slot)
    this.states[slot] = isThere ? CURRENT : NOTHING
    return isThere
  }

  private isHeld(slot: number): boolean {
    return this.places[2 * slot] > 0
  }

  private decode(value: Uint8Array): void {
    this.layout.write(this.decoded, 0, this.layout.decode(value, this.fact))
  }

  private holdsDecoded(slot: number): boolean {
    if (!this.isHeld(slot)) return false
    const { rows, decoded } = this
    const at = slot * decoded.length
    for (let i = 0; i < decoded.length; i++) if (rows[at + i] !== decoded[i]) return false
    return true
  }

  /** Puts the fact that was decoded in place of the key's. */
  private put(slot: number, { revision, stream }: { readonly revision: number; readonly stream: number }): void {
    this.rows.set(this.decoded, slot * this.decoded.length)
    this.places[2 * slot] = revision + 1
    this.places[2 * slot + 1] = stream
  }

  /** Notes what relations learned of a key, to be taken over when it is looked at. Keeps no reference to the value. */
  offer(keyToken: string, { value, sourceStream, sourceRevision }: KnownFact): void {
    const slot = this.slotOf(keyToken)
    // What a file taught may be offered after what live input taught later.
    if (this.offered.revisionOf(slot) > sourceRevision) return
    this.offered.set(slot, value, { revision: sourceRevision, stream: this.streams.intern(sourceStream) })
    this.states[slot] = BEHIND
  }

  /** Lets what a snapshot held as offered be looked at. */
  showOffered(): void {
    for (let slot = 0; slot < this.keys.slotEnd; slot++) if (this.offered.revisionOf(slot) >= 0) this.states[slot] = BEHIND
  }

  /** Takes back what was offered and not looked at. */
  forgetOffered(): void {
    this.offered = new OfferedFacts()
    for (let slot = 0; slot < this.keys.slotEnd; slot++) this.refreshState(slot)
  }

  /** Puts a fact in place of the key's. Throws `snapshot-unusable` where its value is no fact. */
  hold(keyToken: string, { value, sourceStream, sourceRevision }: KnownFact): void {
    const slot = this.slotOf(keyToken)
    this.decode(value)
    this.put(slot, { revision: sourceRevision, stream: this.streams.intern(sourceStream) })
    if (this.states[slot] === NOTHING) this.states[slot] = CURRENT
  }

  /** The numbers of the keys that have a fact, in order of first sight. */
  held(): number[] {
    const slots: number[] = []
    for (let slot = 0; slot < this.keys.slotEnd; slot++) if (this.isHeld(slot)) slots.push(slot)
    return slots
  }

  /** Writes everything, for a snapshot. */
  write(writer: ByteWriter): void {
    const count = this.keys.slotEnd
    this.keys.write(writer)
    this.streams.write(writer)
    writer.words(wordsOf(this.places.subarray(0, 2 * count)))
    writer.words(wordsOf(this.rows.subarray(0, count * this.layout.width)))
    this.offered.write(writer, count)
  }

  /**
   * Fills a fresh shelf from what `write` wrote. What was offered is not looked at before `showOffered`: the journal goes on from here with what it lists, and
   * tells when it was taken over. Throws `snapshot-unusable`.
   */
  read(reader: ByteReader): void {
    this.keys.read(reader)
    this.streams.read(reader)
    const count = this.keys.slotEnd
    while (this.states.length < count) this.grow()
    reader.fillWords(wordsOf(this.places.subarray(0, 2 * count)))
    reader.fillWords(wordsOf(this.rows.subarray(0, count * this.layout.width)))
    for (let slot = 0; slot < count; slot++) this.refreshState(slot)
    this.offered.read(reader, count)
  }

  /** The number of a key, a new one if need be. Throws `limit-reached` beyond 16 million keys. */
  private slotOf(keyToken: string): number {
    const slot = this.keys.intern(keyToken)
    if (slot < 0) throw new RiskError('limit-reached', `facts of more than ${this.keys.maxKeys} keys`, { retriable: false })
    if (slot >= this.states.length) this.grow()
    return slot
  }

  private grow(): void {
    const states = new Uint8Array(this.states.length * 2)
    states.set(this.states)
    this.states = states
    this.places = grown(this.places, this.places.length * 2)
    this.rows = grown(this.rows, this.rows.length * 2)
  }
}
