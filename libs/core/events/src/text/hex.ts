const DIGITS = '0123456789abcdef'

/** Two lowercase hexadecimal digits of each byte. */
export const HEX_OF_BYTE: readonly string[] = Array.from({ length: 256 }, (_, byte) => DIGITS[byte >>> 4] + DIGITS[byte & 15])

/** Value of the hexadecimal digit with this character code, either case, or -1. */
export function hexValue(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

/** The bytes as lowercase hexadecimal digits, two a byte. */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i++) text += HEX_OF_BYTE[bytes[i]]
  return text
}

/** The bytes that lowercase or uppercase hexadecimal digits stand for. Throws `RangeError` for anything else. */
export function fromHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length >>> 1)
  for (let i = 0; i < bytes.length; i++) {
    const high = hexValue(text.charCodeAt(2 * i))
    const low = hexValue(text.charCodeAt(2 * i + 1))
    if (high < 0 || low < 0) throw new RangeError(`not hexadecimal digits: ${JSON.stringify(text.slice(0, 80))}`)
    bytes[i] = (high << 4) | low
  }
  if ((text.length & 1) === 1) throw new RangeError(`an odd number of hexadecimal digits: ${text.length}`)
  return bytes
}
