import { RiskError } from '@riskledger/contracts'
import { WORD_ALIGNMENT_BYTES } from './byte-writer'

const WORD_BYTES = 4

/**
 * Reads what `ByteWriter` wrote. Bytes that end early or make no sense throw `RiskError` `snapshot-unusable` (not retriable),
 * with the position: a snapshot is a cache, whoever reads one discards it and folds the journal instead.
 */
export class ByteReader {
  // Made when first needed: short values hold varints alone, and a view costs more than they do.
  private lazyView: DataView | null = null
  private position = 0

  constructor(private source: Uint8Array) {}

  /** Starts over on other bytes, so that one reader serves many short values. */
  rewind(source: Uint8Array): void {
    this.source = source
    this.lazyView = null
    this.position = 0
  }

  private get view(): DataView {
    return (this.lazyView ??= new DataView(this.source.buffer, this.source.byteOffset, this.source.byteLength))
  }

  /** Bytes not yet read. */
  get remainingBytes(): number {
    return this.source.length - this.position
  }

  /** Throws the error of unusable bytes, naming what is wrong and where. */
  refuse(what: string): never {
    throw new RiskError('snapshot-unusable', `Snapshot is unusable at byte ${this.position}: ${what}. Discard it and fold the journal.`, {
      retriable: false,
      context: { position: this.position, lengthBytes: this.source.length },
    })
  }

  private take(count: number): number {
    const at = this.position
    if (!(count <= this.source.length - at)) this.refuse(`${count} bytes wanted, ${this.source.length - at} left`)
    this.position = at + count
    return at
  }

  u8(): number {
    return this.source[this.take(1)]
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true)
  }

  f64(): number {
    return this.view.getFloat64(this.take(8), true)
  }

  /** An integer in `[0, 2^53)`. */
  varint(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 8; i++) {
      const byte = this.u8()
      value += (byte & 127) * scale
      if (byte < 128) return value > Number.MAX_SAFE_INTEGER ? this.refuse('an integer above 2^53 - 1') : value
      scale *= 128
    }
    return this.refuse('an integer of more than 8 bytes')
  }

  /** A safe integer of either sign. */
  signedVarint(): number {
    const first = this.u8()
    let magnitude = first & 63
    if (first & 0x80) magnitude += this.varint() * 64
    if (magnitude > Number.MAX_SAFE_INTEGER) this.refuse('an integer beyond 2^53 - 1')
    return first & 0x40 ? 0 - magnitude : magnitude
  }

  /** A view on the source, not a copy. */
  bytes(): Uint8Array {
    const length = this.varint()
    const at = this.take(length)
    return this.source.subarray(at, at + length)
  }

  /** What `ByteWriter.words` wrote, in a new array. */
  words(): Uint32Array<ArrayBuffer> {
    return new Uint32Array(this.wordsInPlace())
  }

  /** The same for reading only: a view on the source, or a copy where the source begins at no multiple of four bytes. */
  wordsInPlace(): Uint32Array {
    return this.viewOfWords(this.varint())
  }

  /** Fills words with what `ByteWriter.words` wrote of as many. */
  fillWords(values: Uint32Array): void {
    const count = this.varint()
    if (count !== values.length) this.refuse(`${count} words where ${values.length} belong`)
    values.set(this.viewOfWords(count))
  }

  private viewOfWords(count: number): Uint32Array {
    const { source } = this
    this.take(-this.position & (WORD_ALIGNMENT_BYTES - 1))
    const at = this.take(WORD_BYTES * count)
    if (source.byteOffset % WORD_BYTES === 0) return new Uint32Array(source.buffer, source.byteOffset + at, count)
    return new Uint32Array(new Uint8Array(source.subarray(at, at + WORD_BYTES * count)).buffer)
  }

  string(): string {
    const bytes = this.bytes()
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  }
}
