const DIGITS = '0123456789abcdef'

/** Two lowercase hexadecimal digits of each byte. */
export const HEX_OF_BYTE: readonly string[] = Array.from({ length: 256 }, (_, byte) => DIGITS[byte >>> 4] + DIGITS[byte & 15])

/** Value of the hexadecimal digit with this character code below 256, either case; -1 for any other character. */
const VALUE_OF_DIGIT: Int8Array = new Int8Array(256).fill(-1)
for (let value = 0; value < 16; value++) {
  VALUE_OF_DIGIT[DIGITS.charCodeAt(value)] = value
  VALUE_OF_DIGIT[DIGITS.toUpperCase().charCodeAt(value)] = value
}

/** The byte that two hexadecimal digits at `at` stand for; negative if they are none. */
export function byteAt(text: string, at: number): number {
  const high = text.charCodeAt(at)
  const low = text.charCodeAt(at + 1)
  return (high | low) < 256 ? (VALUE_OF_DIGIT[high] << 4) | VALUE_OF_DIGIT[low] : -1
}

/** The bytes as lowercase hexadecimal digits, two a byte. */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i++) text += HEX_OF_BYTE[bytes[i]]
  return text
}

/** The bytes that lowercase or uppercase hexadecimal digits stand for. Throws `RangeError` for anything else. */
export function fromHex(text: string): Uint8Array {
  if ((text.length & 1) === 1) throw new RangeError(`an odd number of hexadecimal digits: ${text.length}`)
  const bytes = new Uint8Array(text.length >>> 1)
  for (let i = 0; i < bytes.length; i++) {
    const byte = byteAt(text, 2 * i)
    if (byte < 0) throw new RangeError(`not hexadecimal digits: ${JSON.stringify(text.slice(0, 80))}`)
    bytes[i] = byte
  }
  return bytes
}
