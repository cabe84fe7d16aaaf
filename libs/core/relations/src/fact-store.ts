import { createHash } from 'node:crypto'
import { ByteWriter, type ByteReader } from '@riskledger/windows'
import { decodeCounterpartyFact, decodeDeviceFact } from './fact-codec'
import type { CounterpartyFact, DeviceFact, FactView } from './facts'

/** What a fact is about. */
export type FactKind = 'counterparty' | 'device'

/** Where a fact stands in the relations' own stream. */
export interface FactSource {
  readonly stream: string
  readonly revision: number
}

/** A fact as a screener holds it. */
export interface HeldFact {
  readonly value: Uint8Array
  readonly source: FactSource
}

class Cell<T> implements HeldFact {
  decoded: T | undefined = undefined
  journaled = false
  constructor(
    readonly value: Uint8Array,
    readonly source: FactSource,
  ) {}
}

const KINDS: readonly FactKind[] = ['counterparty', 'device']

/**
 * The facts that one screener knows, by kind and key, decoded when first looked at. It also remembers which values its journal already
 * holds: a value enters the journal on its first use, and again when it changed.
 */
export class FactStore implements FactView {
  private readonly counterparties = new Map<string, Cell<CounterpartyFact>>()
  private readonly devices = new Map<string, Cell<DeviceFact>>()

  /** Facts held. */
  get size(): number {
    return this.counterparties.size + this.devices.size
  }

  /** Takes a new value in; the bytes are kept, not copied. The same bytes again change nothing, not even the source. */
  apply(kind: FactKind, key: string, what: { readonly value: Uint8Array; readonly source: FactSource }): void {
    const held = this.get(kind, key)
    if (held !== undefined && Buffer.compare(held.value, what.value) === 0) return
    if (kind === 'counterparty') this.counterparties.set(key, new Cell(what.value, what.source))
    else this.devices.set(key, new Cell(what.value, what.source))
  }

  counterparty(counterpartyId: string): CounterpartyFact | undefined {
    const cell = this.counterparties.get(counterpartyId)
    return cell === undefined ? undefined : (cell.decoded ??= decodeCounterpartyFact(cell.value))
  }

  device(deviceId: string): DeviceFact | undefined {
    const cell = this.devices.get(deviceId)
    return cell === undefined ? undefined : (cell.decoded ??= decodeDeviceFact(cell.value))
  }

  /** The fact's bytes and source, for the journal. */
  get(kind: FactKind, key: string): HeldFact | undefined {
    return kind === 'counterparty' ? this.counterparties.get(key) : this.devices.get(key)
  }

  /** True once for each value of a key: then the journal must take it in. False where nothing is known of the key. */
  firstUse(kind: FactKind, key: string): boolean {
    const cell = kind === 'counterparty' ? this.counterparties.get(key) : this.devices.get(key)
    if (cell === undefined || cell.journaled) return false
    cell.journaled = true
    return true
  }

  private cells(kind: FactKind): Map<string, Cell<CounterpartyFact>> | Map<string, Cell<DeviceFact>> {
    return kind === 'counterparty' ? this.counterparties : this.devices
  }

  /** Writes all facts by kind and key (code-unit order), so that equal content has equal bytes. */
  writeSnapshot(writer: ByteWriter): void {
    for (const kind of KINDS) {
      const cells = this.cells(kind)
      const keys = [...cells.keys()].sort()
      writer.varint(keys.length)
      for (const key of keys) {
        const cell = cells.get(key)!
        writer.string(key)
        writer.bytes(cell.value)
        writer.string(cell.source.stream)
        writer.varint(cell.source.revision)
        writer.u8(cell.journaled ? 1 : 0)
      }
    }
  }

  /** Replaces the content by what `writeSnapshot` wrote. Throws `snapshot-unusable`. */
  readSnapshot(reader: ByteReader): void {
    this.counterparties.clear()
    this.devices.clear()
    for (const kind of KINDS) {
      for (let left = reader.varint(); left > 0; left--) {
        const key = reader.string()
        const value = reader.bytes().slice()
        this.apply(kind, key, { value, source: { stream: reader.string(), revision: reader.varint() } })
        if (reader.u8() === 1) this.firstUse(kind, key)
      }
    }
  }

  /** SHA-256 over what the journal decides about facts: the journaled values. Values only held, not used yet, are no part of the state. */
  canonicalHash(): Uint8Array {
    const writer = new ByteWriter()
    for (const kind of KINDS) {
      const cells = this.cells(kind)
      for (const key of [...cells.keys()].sort()) {
        const cell = cells.get(key)!
        if (!cell.journaled) continue
        writer.string(kind)
        writer.string(key)
        writer.bytes(cell.value)
      }
    }
    return createHash('sha256').update(writer.written()).digest()
  }
}
