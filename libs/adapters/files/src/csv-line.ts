import { isUtf8 } from 'node:buffer'

/** A line as it lies in the file: its number, its bytes with and without its end, and its text, null where it is not UTF-8. */
export interface CsvLine {
  readonly number: number
  readonly bytes: Buffer
  readonly withEnd: Buffer
  readonly text: string | null
}

/** The line's bytes without the line feed. */
export function withoutFeed(bytes: Buffer): Buffer {
  return bytes.at(-1) === 10 ? bytes.subarray(0, -1) : bytes
}

/** The text; null where the bytes are not UTF-8. */
export function textOf(bytes: Buffer): string | null {
  return isUtf8(bytes) ? bytes.toString('utf8') : null
}
