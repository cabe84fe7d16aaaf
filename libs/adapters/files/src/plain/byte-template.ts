import { templateParts } from '../row-template'
import type { PlainRow } from './plain-row'

/** A template such as `c-{customer_id}` in bytes: text, column, text, column, text. */
export interface ByteTemplate {
  /** One more than there are columns. */
  readonly texts: readonly Uint8Array[]
  readonly columns: readonly number[]
  /** Bytes of all texts together. */
  readonly textBytes: number
}

/** The template in bytes; undefined where its own text is not printable ASCII. */
export function compileByteTemplate(template: string, indexOf: (column: string) => number): ByteTemplate | undefined {
  if (!/^[\x20-\x7e]*$/.test(template)) return undefined
  const { texts, columns } = templateParts(template)
  const bytes = texts.map((text) => Buffer.from(text))
  return { texts: bytes, columns: columns.map(indexOf), textBytes: bytes.reduce((sum, { length }) => sum + length, 0) }
}

/** Fills the template from a row into `target[at, ...)` and gives its end; -1, with nothing written, where it takes more than `maxBytes`. */
export function fillTemplate(template: ByteTemplate, row: PlainRow, target: Uint8Array, at: number, maxBytes: number): number {
  const { texts, columns } = template
  const { bytes, starts, ends } = row
  let length = template.textBytes
  for (let i = 0; i < columns.length; i++) length += ends[columns[i]] - starts[columns[i]]
  if (length > maxBytes) return -1
  let next = copyBytes(texts[0], target, at)
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i]
    const end = ends[column]
    for (let from = starts[column]; from < end; from++) target[next++] = bytes[from]
    next = copyBytes(texts[i + 1], target, next)
  }
  return next
}

/** Copies all bytes to `target[at, ...)` and gives their end there. A loop: a native call costs more than the few bytes that these are. */
export function copyBytes(source: Uint8Array, target: Uint8Array, at: number): number {
  const { length } = source
  for (let i = 0; i < length; i++) target[at + i] = source[i]
  return at + length
}
