import { bytesOf, grown, SlabPool, wordsOf, type ByteReader, type ByteWriter } from '@riskledger/windows'

const CELL_BYTES = 8

/**
 * By the number of a key the newest value that was offered of it and not taken yet, as it was published. Most of what relations learn is never looked at by one
 * partition, and stays: so values lie in one pool, where neither the garbage collector nor a snapshot meets them one by one.
 */
export class OfferedFacts {
  private readonly pool = new SlabPool()
  private bytes = bytesOf(this.pool.words)
  /** Of each key the revision + 1 and the number of the stream where the value stands; 0 where none is offered. */
  private places = new Float64Array(2 * 64)
  /** Of each key the first cell of its value, and the value's length in bytes. */
  private extents = new Uint32Array(2 * 64)

  /** The revision of what is offered of a key; -1 where nothing is. */
  revisionOf(slot: number): number {
    return slot < this.places.length / 2 ? this.places[2 * slot] - 1 : -1
  }

  /** The number of the stream where it stands. */
  streamOf(slot: number): number {
    return this.places[2 * slot + 1]
  }

  /** A copy of the value that is offered of a key. */
  valueOf(slot: number): Uint8Array {
    const at = this.extents[2 * slot] * CELL_BYTES
    return this.bytes.slice(at, at + this.extents[2 * slot + 1])
  }

  /** Puts a copy of a value in place of what is offered of a key. An assertion fails beyond 2^29 cells of 8 bytes in all. */
  set(slot: number, value: Uint8Array, place: { readonly revision: number; readonly stream: number }): void {
    this.delete(slot)
    while (2 * slot >= this.places.length) this.grow()
    const { pool } = this
    const cell = pool.allocate(log2CellsOf(value.length))
    if (this.bytes.byteLength !== pool.words.byteLength) this.bytes = bytesOf(pool.words)
    const { bytes } = this
    // A call of `set` would cost more for so few bytes.
    for (let at = cell * CELL_BYTES, i = 0; i < value.length; i++) bytes[at + i] = value[i]
    this.extents[2 * slot] = cell
    this.extents[2 * slot + 1] = value.length
    this.places[2 * slot] = place.revision + 1
    this.places[2 * slot + 1] = place.stream
  }

  /** Takes back what is offered of a key, if anything. */
  delete(slot: number): void {
    if (this.revisionOf(slot) < 0) return
    this.places[2 * slot] = 0
    this.pool.release(this.extents[2 * slot], log2CellsOf(this.extents[2 * slot + 1]))
  }

  /** Writes what is offered of the first `count` keys, mostly by copying memory. */
  write(writer: ByteWriter, count: number): void {
    while (2 * count > this.places.length) this.grow()
    this.pool.write(writer)
    writer.words(wordsOf(this.places.subarray(0, 2 * count)))
    writer.words(this.extents.subarray(0, 2 * count))
  }

  /** Fills a fresh one from what `write` wrote of as many keys. Throws `snapshot-unusable`. */
  read(reader: ByteReader, count: number): void {
    while (2 * count > this.places.length) this.grow()
    this.pool.read(reader)
    this.bytes = bytesOf(this.pool.words)
    reader.fillWords(wordsOf(this.places.subarray(0, 2 * count)))
    reader.fillWords(this.extents.subarray(0, 2 * count))
    for (let slot = 0; slot < count; slot++) {
      if (this.revisionOf(slot) < 0) continue
      const end = this.extents[2 * slot] * CELL_BYTES + this.extents[2 * slot + 1]
      if (end > this.bytes.length) reader.refuse(`a fact that ends at byte ${end} of ${this.bytes.length}`)
    }
  }

  private grow(): void {
    this.places = grown(this.places, this.places.length * 2)
    this.extents = grown(this.extents, this.extents.length * 2)
  }
}

/** Blocks of the pool are powers of two. */
function log2CellsOf(lengthBytes: number): number {
  return lengthBytes <= CELL_BYTES ? 0 : 32 - Math.clz32(Math.ceil(lengthBytes / CELL_BYTES) - 1)
}
