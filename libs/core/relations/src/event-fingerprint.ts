const HEX = new Uint8Array(128)
for (let digit = 0; digit < 16; digit++) {
  const text = digit.toString(16)
  HEX[text.charCodeAt(0)] = digit
  HEX[text.toUpperCase().charCodeAt(0)] = digit
}

function hexByte(text: string, at: number): number {
  return (HEX[text.charCodeAt(at) & 127] << 4) | HEX[text.charCodeAt(at + 1) & 127]
}

function hexWord(text: string, at: number): number {
  return (hexByte(text, at) << 24) | (hexByte(text, at + 2) << 16) | (hexByte(text, at + 4) << 8) | hexByte(text, at + 6)
}

/** Where `fingerprintEvent` leaves its answer: `[low, high]`, each 32 bits, valid until the next call. */
export const fingerprint = new Uint32Array(2)

/**
 * Folds an event id (a UUID in its 36-character form) to 64 bits, in `fingerprint`: the first half xor the second, word by word. Ids are
 * chosen by strangers, so whoever looks something up by it checks account and time too.
 */
export function fingerprintEvent(eventId: string): void {
  fingerprint[0] =
    hexWord(eventId, 0) ^ ((hexByte(eventId, 19) << 24) | (hexByte(eventId, 21) << 16) | (hexByte(eventId, 24) << 8) | hexByte(eventId, 26))
  fingerprint[1] =
    ((hexByte(eventId, 9) << 24) | (hexByte(eventId, 11) << 16) | (hexByte(eventId, 14) << 8) | hexByte(eventId, 16)) ^ hexWord(eventId, 28)
}

/** `fingerprintEvent` of the id whose 16 bytes begin at `at`. */
export function fingerprintEventAt(bytes: Uint8Array, at: number): void {
  fingerprint[0] = bytesWord(bytes, at) ^ ((bytes[at + 8] << 24) | (bytes[at + 9] << 16) | (bytes[at + 10] << 8) | bytes[at + 11])
  fingerprint[1] = bytesWord(bytes, at + 4) ^ bytesWord(bytes, at + 12)
}

function bytesWord(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]
}
