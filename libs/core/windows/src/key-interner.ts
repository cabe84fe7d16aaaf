import { strict as assert } from 'node:assert'
import type { ByteReader } from './byte-reader'
import type { ByteWriter } from './byte-writer'
import { KeyTexts } from './key-texts'
import { ASK_BY_TEXT, PackedKeys } from './packed-keys'

/** Largest number of keys that one interner can hold: a JavaScript `Map` ends a little above it. */
export const MAX_KEYS = 16_000_000

/**
 * Gives each distinct string a small integer, its slot: 0, 1, 2, ... in order of first sight; a released slot is given out again.
 * Slots index the typed arrays of `KeyedRings` and whatever else is kept per key.
 */
export class KeyInterner {
  private short = new PackedKeys()
  /** Keys that do not pack. */
  private slots = new Map<string, number>()
  private keys: (string | undefined)[] = []
  private texts = new KeyTexts()
  private released: number[] = []
  /** Keys that can be held at once. */
  readonly maxKeys: number

  constructor(options: { readonly maxKeys?: number } = {}) {
    this.maxKeys = options.maxKeys ?? MAX_KEYS
    assert(this.maxKeys >= 1 && this.maxKeys <= MAX_KEYS, `maxKeys is ${this.maxKeys}; allowed is 1 to ${MAX_KEYS}`)
  }

  /** Keys held. */
  get size(): number {
    return this.short.size + this.slots.size
  }

  /** One above the largest slot ever given out. */
  get slotEnd(): number {
    return this.keys.length
  }

  /** The key's slot, a new one if need be; -1 where `maxKeys` are held already, or 2^30 characters. */
  intern(key: string): number {
    const slot = this.short.find(key)
    if (slot >= 0) return slot
    const known = this.slots.size > 0 ? this.slots.get(key) : undefined
    return known ?? this.add(key)
  }

  private add(key: string): number {
    if (this.size >= this.maxKeys || !this.texts.hasRoomFor(key)) return -1
    const slot = this.released.pop() ?? this.keys.length
    this.keys[slot] = key
    this.texts.set(slot, key)
    this.enter(key, slot)
    return slot
  }

  private enter(key: string, slot: number): void {
    if (!this.short.add(key, slot)) this.slots.set(key, slot)
  }

  /** The key's slot, or -1 if it has none. */
  find(key: string): number {
    const slot = this.short.find(key)
    if (slot >= 0 || this.slots.size === 0) return slot
    return this.slots.get(key) ?? -1
  }

  /**
   * The slot of the key whose UTF-8 is `bytes[from, from + length)`, -1 if it has none; -2 where only its text can tell: use `find`.
   * For short ASCII keys, which is most, no text is made.
   */
  findBytes(bytes: Uint8Array, from: number, length: number): number {
    const slot = this.short.findBytes(bytes, from, length)
    return slot === -1 && this.slots.size > 0 ? ASK_BY_TEXT : slot
  }

  /** The key of a slot, or undefined for a slot not in use. */
  keyOf(slot: number): string | undefined {
    return this.keys[slot]
  }

  /** Forgets a key; whatever is kept under its slot must be cleared by its owner. */
  release(slot: number): void {
    const key = this.keys[slot]
    assert(key !== undefined, `slot ${slot} is not in use`)
    if (!this.short.delete(key)) this.slots.delete(key)
    this.keys[slot] = undefined
    this.texts.delete(slot)
    this.released.push(slot)
  }

  /** Every (key, slot), by slot. */
  *entries(): IterableIterator<readonly [key: string, slot: number]> {
    for (let slot = 0; slot < this.keys.length; slot++) {
      const key = this.keys[slot]
      if (key !== undefined) yield [key, slot]
    }
  }

  /** Writes all keys with their slots, and the order in which free slots will be given out. */
  write(writer: ByteWriter): void {
    this.texts.write(writer)
    writer.words(Uint32Array.from(this.released))
    this.short.write(writer)
    writer.words(Uint32Array.from(this.slots.values()))
  }

  /** Replaces the content by what `write` wrote. Throws `snapshot-unusable`. */
  read(reader: ByteReader): void {
    this.texts = new KeyTexts()
    this.keys = this.texts.read(reader)
    this.released = [...reader.wordsInPlace()]
    this.short = new PackedKeys()
    this.short.read(reader)
    this.slots = new Map(Array.from(reader.wordsInPlace(), (slot) => [this.keys[slot] ?? reader.refuse(`slot ${slot} has no key`), slot]))
    if (this.size + this.released.length !== this.keys.length) reader.refuse('keys and free slots do not add up')
  }
}
