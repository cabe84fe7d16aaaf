import { RiskError } from '@riskledger/contracts'
import { spanLength, spanStart, spanText, type TokenSpan } from '@riskledger/events'
import type { FactKind } from '@riskledger/journal'
import type { FactRows } from '@riskledger/relations'
import { ASK_BY_TEXT, KeyInterner } from '@riskledger/windows'

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

/** Revision of a fact that there is not. */
const NONE = -1
const NO_VALUE = new Uint8Array(0)

// What stands in a key's row.
const NOTHING = 0
const CURRENT = 1
/** Something else than what the key's card holds, or was offered since. */
const BEHIND = 2

/** What is held of one key, and what was offered since. */
export interface FactCard extends FactReference {
  sourceStream: string
  sourceRevision: number
  value: Uint8Array
  offered: KnownFact | null
}

/**
 * The facts of one kind by key, found from a token's bytes without making text of them: for each key a card with the fact as it was published,
 * and its numbers in a row.
 */
export class FactShelf<T> {
  private readonly keys = new KeyInterner()
  private readonly cards: FactCard[] = []
  private states = new Uint8Array(64)
  private rows: Float64Array
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

  cardOf(slot: number): FactCard {
    return this.cards[slot]
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
  look(slot: number, taken: (card: FactCard) => void): T | undefined {
    const state = this.states[slot]
    if (state === NOTHING) return undefined
    if (state === BEHIND && !this.settle(slot, taken)) return undefined
    return this.layout.read(this.rows, slot * this.layout.width, this.fact)
  }

  private settle(slot: number, taken: (card: FactCard) => void): boolean {
    const card = this.cards[slot]
    const { offered } = card
    card.offered = null
    // After a restart the source may still be reading its way up to what the journal has used already: nothing older comes
    // back. One entry may hold a key several times, for epochs that end one after the other: the same revision is not older.
    if (offered !== null && offered.sourceRevision >= card.sourceRevision && !this.holdsSame(card, offered)) {
      setFact(card, offered)
      taken(card)
    }
    this.states[slot] = card.sourceRevision === NONE ? NOTHING : CURRENT
    if (card.sourceRevision === NONE) return false
    const { decode, write, width } = this.layout
    write(this.rows, slot * width, decode(card.value, this.fact))
    return true
  }

  private holdsSame(card: FactCard, offered: KnownFact): boolean {
    return card.sourceRevision !== NONE && Buffer.compare(card.value, offered.value) === 0
  }

  /** Notes what relations learned of a key, to be taken over when it is looked at. */
  offer(keyToken: string, known: KnownFact): void {
    this.card(keyToken).offered = known
  }

  /** Puts a fact in place of the key's. */
  hold(keyToken: string, known: KnownFact): void {
    setFact(this.card(keyToken), known)
  }

  /** The cards that hold a fact, in order of first sight. */
  held(): FactCard[] {
    return this.cards.filter(({ sourceRevision }) => sourceRevision !== NONE)
  }

  /** The card of a key, a new one if need be, to be changed. Throws `limit-reached` beyond 16 million keys. */
  private card(keyToken: string): FactCard {
    const slot = this.keys.intern(keyToken)
    if (slot < 0) throw new RiskError('limit-reached', `facts of more than ${this.keys.maxKeys} keys`, { retriable: false })
    if (slot >= this.states.length) this.grow()
    this.states[slot] = BEHIND
    return (this.cards[slot] ??= { kind: this.kind, keyToken, sourceStream: '', sourceRevision: NONE, value: NO_VALUE, offered: null })
  }

  private grow(): void {
    const states = new Uint8Array(this.states.length * 2)
    states.set(this.states)
    this.states = states
    const rows = new Float64Array(this.rows.length * 2)
    rows.set(this.rows)
    this.rows = rows
  }
}

function setFact(card: FactCard, known: KnownFact): void {
  card.value = known.value
  card.sourceStream = known.sourceStream
  card.sourceRevision = known.sourceRevision
}
