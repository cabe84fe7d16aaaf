import { spanLength, spanStart, spanText, type TokenSpan } from '@riskledger/events'
import { bytesOf, grown, growingArray, KeyInterner, MAX_KEYS, wordsOf, type ByteReader, type ByteWriter } from '@riskledger/windows'

const FIRST_ROWS = 64

/** Rows of equal size in one growing array, one for each key, numbered in order of first sight. The views are replaced as it grows: read them anew after each `find`. */
export abstract class KeyedRows {
  doubles: Float64Array
  words: Uint32Array
  bytes: Uint8Array
  private readonly keys: KeyInterner

  /** `maxKeys`: keys held, at most 16 million whatever it says; `rowDoubles`: size of a row, in doubles. */
  constructor(
    maxKeys: number,
    private readonly rowDoubles: number,
  ) {
    this.keys = new KeyInterner({ maxKeys: Math.min(maxKeys, MAX_KEYS) })
    this.doubles = growingArray(Float64Array, FIRST_ROWS * rowDoubles)
    this.words = wordsOf(this.doubles)
    this.bytes = bytesOf(this.doubles)
  }

  /** Keys held; their numbers are those below. */
  get size(): number {
    return this.keys.size
  }

  keyOf(number: number): string {
    return this.keys.keyOf(number)!
  }

  /** The key's number; one not met before gets a row that says when, and nothing else. -1 where `maxKeys` are held already. */
  find(key: string, timeMs: number): number {
    const before = this.keys.size
    const number = this.keys.intern(key)
    if (number === before) {
      if ((number + 1) * this.rowDoubles > this.doubles.length) this.grow(this.doubles.length * 2)
      this.begin(number, timeMs)
    }
    return number
  }

  /** The number of the key at a span, where that can be told at once; else -1 or below. */
  numberAhead(bytes: Uint8Array, span: TokenSpan): number {
    return this.keys.findBytes(bytes, spanStart(span), spanLength(span))
  }

  /** `find` of the key that lies at a span of a record's bytes; its text is made only of one not met before. */
  findSpan(bytes: Uint8Array, span: TokenSpan, timeMs: number): number {
    const number = this.numberAhead(bytes, span)
    return number >= 0 ? number : this.find(spanText(bytes, span, true), timeMs)
  }

  /** Fills a row of zeros, of a key that is first seen at `timeMs`. */
  protected abstract begin(number: number, timeMs: number): void

  private grow(doubles: number): void {
    this.doubles = grown(this.doubles, doubles)
    this.words = wordsOf(this.doubles)
    this.bytes = bytesOf(this.doubles)
  }

  /** Writes keys and rows as they lie. */
  write(writer: ByteWriter): void {
    this.keys.write(writer)
    writer.words(wordsOf(this.doubles.subarray(0, this.size * this.rowDoubles)))
  }

  /** Fills fresh rows from what `write` wrote. Throws `snapshot-unusable`. */
  read(reader: ByteReader): void {
    this.keys.read(reader)
    const doubles = this.size * this.rowDoubles
    if (doubles > this.doubles.length) this.grow(doubles)
    reader.fillWords(wordsOf(this.doubles.subarray(0, doubles)))
  }
}
