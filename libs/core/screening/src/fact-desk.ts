import { createHash } from 'node:crypto'
import type { FactKind, JournaledFact } from '@riskledger/journal'
import { decodeCounterpartyFact, decodeDeviceFact, type CounterpartyFact, type DeviceFact, type FactView } from '@riskledger/relations'
import type { ByteReader, ByteWriter } from '@riskledger/windows'

/** A fact as relations published it. */
export interface KnownFact {
  readonly value: Uint8Array
  readonly sourceStream: string
  readonly sourceRevision: number
}

/** Where a live step looks for what relations know now. A fold has none: it knows what the journal lists. */
export interface KnownFacts {
  get(kind: FactKind, keyToken: string): KnownFact | undefined
}

/** A source of facts that knows nothing. */
export const NO_KNOWN_FACTS: KnownFacts = { get: () => undefined }

/** A fact that an input used, by its place in the relations streams. */
export interface FactReference {
  readonly kind: FactKind
  readonly keyToken: string
  readonly sourceStream: string
  readonly sourceRevision: number
}

interface Held<T> extends FactReference {
  /** The very object last compared: told apart by identity, so that the common case is one comparison. */
  seen: KnownFact | null
  readonly value: Uint8Array
  /** Null until it is looked at. */
  decoded: T | null
}

/**
 * The facts that verdicts stand on, as the journal lists them. A look-up during an input takes over what is newer at the source and
 * puts it on the list for that input; in a fold the list comes first and the source is empty. Either way the same values are seen.
 */
export class FactDesk implements FactView {
  /** What the batch lists: taken by the batch encoder, emptied by `beginInput`. */
  readonly listed: JournaledFact[] = []
  private readonly counterparties = new Map<string, Held<CounterpartyFact>>()
  private readonly devices = new Map<string, Held<DeviceFact>>()
  private readonly looked: FactReference[] = []
  private source: KnownFacts = NO_KNOWN_FACTS
  private sequence = 0

  /** From now on look here for newer facts. */
  attach(source: KnownFacts): void {
    this.source = source
  }

  beginInput(sequence: number): void {
    this.sequence = sequence
    if (this.listed.length > 0) this.listed.length = 0
    if (this.looked.length > 0) this.looked.length = 0
  }

  /** The facts that the input could see, in the order in which they were looked up. */
  used(): readonly FactReference[] {
    return this.looked.map(({ kind, keyToken, sourceStream, sourceRevision }) => ({ kind, keyToken, sourceStream, sourceRevision }))
  }

  /** Lists a fact that is not of relations: a random challenge's draw. */
  list(kind: FactKind, keyToken: string, value: Uint8Array): void {
    const fact = { kind, keyToken, sourceStream: '', sourceRevision: -1 }
    this.listed.push({ ...fact, sequence: this.sequence, value })
    this.looked.push(fact)
  }

  /** Takes over a fact that the journal lists, before its input is folded. */
  apply(fact: JournaledFact): void {
    const { keyToken, sourceStream, sourceRevision } = fact
    if (fact.kind === 'random-challenge') return
    // A copy: the value is a view into its entry.
    const held = { kind: fact.kind, keyToken, sourceStream, sourceRevision, seen: null, value: Buffer.from(fact.value), decoded: null }
    if (fact.kind === 'counterparty') this.counterparties.set(keyToken, held)
    else this.devices.set(keyToken, held)
  }

  counterparty(counterpartyId: string): CounterpartyFact | undefined {
    return this.look('counterparty', counterpartyId, { held: this.counterparties, decode: decodeCounterpartyFact })
  }

  device(deviceId: string): DeviceFact | undefined {
    return this.look('device', deviceId, { held: this.devices, decode: decodeDeviceFact })
  }

  canonicalHash(): Uint8Array {
    const hash = createHash('sha256')
    for (const [kind, map] of [
      ['counterparty', this.counterparties],
      ['device', this.devices],
    ] as const) {
      for (const key of [...map.keys()].sort()) {
        hash.update(`${kind}|${Buffer.byteLength(key)}|${key}|`)
        hash.update(map.get(key)!.value)
      }
    }
    return hash.digest()
  }

  write(writer: ByteWriter): void {
    for (const map of [this.counterparties, this.devices]) {
      writer.varint(map.size)
      for (const [key, held] of map) {
        writer.string(key)
        writer.bytes(held.value)
        writer.string(held.sourceStream)
        writer.varint(held.sourceRevision)
      }
    }
  }

  read(reader: ByteReader): void {
    for (const kind of ['counterparty', 'device'] as const) {
      for (let left = reader.varint(); left > 0; left--) {
        this.apply({
          sequence: 0,
          kind,
          keyToken: reader.string(),
          value: reader.bytes(),
          sourceStream: reader.string(),
          sourceRevision: reader.varint(),
        })
      }
    }
  }

  private look<T>(
    kind: FactKind,
    keyToken: string,
    of: { readonly held: Map<string, Held<T>>; readonly decode: (value: Uint8Array, into: T | null) => T },
  ): T | undefined {
    let held = of.held.get(keyToken)
    const known = this.source.get(kind, keyToken)
    if (known !== undefined && (held === undefined || held.seen !== known)) {
      // After a restart the source may still be reading its way up to what the journal has used already: nothing older comes
      // back. One entry may hold a key several times, for epochs that end one after the other: the same revision is not older.
      if (held !== undefined && (known.sourceRevision < held.sourceRevision || Buffer.compare(held.value, known.value) === 0))
        held.seen = known
      else {
        const { value, sourceStream, sourceRevision } = known
        // The object of the value before is read into again: nobody keeps it past its input.
        const decoded = of.decode(value, held?.decoded ?? null)
        held = { kind, keyToken, sourceStream, sourceRevision, seen: known, value, decoded }
        of.held.set(keyToken, held)
        this.listed.push({ sequence: this.sequence, kind, keyToken, value, sourceStream, sourceRevision })
      }
    }
    if (held === undefined) return undefined
    this.looked.push(held)
    return (held.decoded ??= of.decode(held.value, null))
  }
}
