import { RiskError } from '@riskledger/contracts'
import { spanLength, spanStart, spanText, type TokenSpan } from '@riskledger/events'
import type { FactKind } from '@riskledger/journal'
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
export const NONE = -1
const NO_VALUE = new Uint8Array(0)

/** What is held of one key, and what was offered since. */
export interface FactCard<T> extends FactReference {
  sourceStream: string
  /** `NONE` before the first fact. */
  sourceRevision: number
  value: Uint8Array
  offered: KnownFact | null
  decoded: T | null
  /** Whether `decoded` is of `value`. */
  fresh: boolean
}

/** The facts of one kind by key, found from a token's bytes without making text of them. */
export class FactShelf<T> {
  private readonly keys = new KeyInterner()
  private readonly cards: FactCard<T>[] = []

  constructor(
    readonly kind: FactKind,
    readonly decode: (value: Uint8Array, into: T | null) => T,
  ) {}

  /** The card of a key; undefined where nothing was ever known of it. */
  find(bytes: Uint8Array, span: TokenSpan): FactCard<T> | undefined {
    let slot = this.keys.findBytes(bytes, spanStart(span), spanLength(span))
    if (slot === ASK_BY_TEXT) slot = this.keys.find(spanText(bytes, span, true))
    return slot < 0 ? undefined : this.cards[slot]
  }

  /** The card of a key, a new one if need be. Throws `limit-reached` beyond 16 million keys. */
  card(keyToken: string): FactCard<T> {
    const slot = this.keys.intern(keyToken)
    if (slot < 0) throw new RiskError('limit-reached', `facts of more than ${this.keys.maxKeys} keys`, { retriable: false })
    return (this.cards[slot] ??= {
      kind: this.kind,
      keyToken,
      sourceStream: '',
      sourceRevision: NONE,
      value: NO_VALUE,
      offered: null,
      decoded: null,
      fresh: false,
    })
  }

  /** The cards that hold a fact, in order of first sight. */
  held(): FactCard<T>[] {
    return this.cards.filter(({ sourceRevision }) => sourceRevision !== NONE)
  }
}
