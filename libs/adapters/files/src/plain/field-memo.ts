import type { PlainRow } from './plain-row'

const SLOTS = 256

/**
 * Remembers what short texts of few values, such as countries or currencies, are encoded as. Direct-mapped and bounded; a text found is
 * compared byte by byte, so that it holds nothing that could change an answer.
 */
export class FieldMemo {
  private readonly texts = new Array<string | null>(SLOTS).fill(null)
  private readonly encoded = new Array<Uint8Array | null>(SLOTS).fill(null)

  /** `encode` gives null for a text of which the general way is to say what is wrong. */
  constructor(
    private readonly column: number,
    private readonly encode: (text: string) => Uint8Array | null,
  ) {}

  /** The bytes of the row's field, or null. */
  find(row: PlainRow): Uint8Array | null {
    const { bytes } = row
    const start = row.starts[this.column]
    const length = row.ends[this.column] - start
    let hash = length
    for (let i = 0; i < length; i++) hash = (Math.imul(hash, 31) + bytes[start + i]) | 0
    const slot = (Math.imul(hash, 0x9e3779b1) >>> 24) & (SLOTS - 1)
    const known = this.texts[slot]
    if (known !== null && known.length === length && sameText(known, bytes, start)) return this.encoded[slot]
    const text = row.text(this.column)
    this.texts[slot] = text
    return (this.encoded[slot] = this.encode(text))
  }
}

function sameText(text: string, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false
  return true
}
