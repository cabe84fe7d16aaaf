import { RiskError } from '@riskledger/contracts'
import { spanLength, spanStart, spanText, type TokenSpan } from '@riskledger/events'
import type { FactKind } from '@riskledger/journal'
import type { FactRows } from '@riskledger/relations'
import { ASK_BY_TEXT, grown, KeyInterner, wordsOf, type ByteReader, type ByteWriter } from '@riskledger/windows'

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
  private readonly offered = new Map<number, KnownFact>()
  private readonly fact: T

  constructor(
    readonly kind: FactKind,
    private readonly layout: FactRows<T>,
  ) {
    this.rows = new Float64Array(64 * layout.width)
    this.fact = layout.blank()
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
    const offered = this.offered.get(slot)
    this.offered.delete(slot)
    // After a restart the source may still be reading its way up to what the journal has used already: nothing older comes
    // back. One entry may hold a key several times, for epochs that end one after the other: the same revision is not older.
    if (offered !== undefined && offered.sourceRevision + 1 >= this.places[2 * slot] && !this.holdsSame(slot, offered)) {
      this.put(slot, offered)
      taken({ ...this.referenceOf(slot), value: offered.value })
    }
    const isThere = this.isHeld(slot)
    this.states[slot] = isThere ? CURRENT : NOTHING
    return isThere
  }

  private isHeld(slot: number): boolean {
    return this.places[2 * slot] > 0
  }

  private holdsSame(slot: number, offered: KnownFact): boolean {
    return this.isHeld(slot) && Buffer.compare(this.valueOf(slot), offered.value) === 0
  }

  private put(slot: number, { value, sourceStream, sourceRevision }: KnownFact): void {
    const { decode, write, width } = this.layout
    write(this.rows, slot * width, decode(value, this.fact))
    this.places[2 * slot] = sourceRevision + 1
    this.places[2 * slot + 1] = this.streams.intern(sourceStream)
  }

  /** Notes what relations learned of a key, to be taken over when it is looked at. */
  offer(keyToken: string, known: KnownFact): void {
    const slot = this.slotOf(keyToken)
    // What a file taught may be offered after what live input taught later.
    if ((this.offered.get(slot)?.sourceRevision ?? -1) > known.sourceRevision) return
    this.offered.set(slot, known)
    this.states[slot] = BEHIND
  }

  /** Puts a fact in place of the key's. Throws `snapshot-unusable` where its value is no fact. */
  hold(keyToken: string, known: KnownFact): void {
    const slot = this.slotOf(keyToken)
    this.put(slot, known)
    if (this.states[slot] === NOTHING) this.states[slot] = CURRENT
  }

  /** The numbers of the keys that have a fact, in order of first sight. */
  held(): number[] {
    const slots: number[] = []
    for (let slot = 0; slot < this.keys.slotEnd; slot++) if (this.isHeld(slot)) slots.push(slot)
    return slots
  }

  /** Writes everything but what was merely offered, for a snapshot. */
  write(writer: ByteWriter): void {
    const count = this.keys.slotEnd
    this.keys.write(writer)
    this.streams.write(writer)
    writer.words(wordsOf(this.places.subarray(0, 2 * count)))
    writer.words(wordsOf(this.rows.subarray(0, count * this.layout.width)))
  }

  /** Fills a fresh shelf from what `write` wrote. Throws `snapshot-unusable`. */
  read(reader: ByteReader): void {
    this.keys.read(reader)
    this.streams.read(reader)
    const count = this.keys.slotEnd
    while (this.states.length < count) this.grow()
    reader.fillWords(wordsOf(this.places.subarray(0, 2 * count)))
    reader.fillWords(wordsOf(this.rows.subarray(0, count * this.layout.width)))
    for (let slot = 0; slot < count; slot++) this.states[slot] = this.isHeld(slot) ? CURRENT : NOTHING
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
