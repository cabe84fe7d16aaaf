/** The fingerprint of no bytes, and the polynomial, of CRC-64-AVRO (Avro 1.11 specification, "Schema Fingerprints"). */
const EMPTY = 0xc15d213aa4d7a795n

/**
 * The ten bytes that begin the single-object encoding of a schema's records: `C3 01` and the CRC-64-AVRO of its parsing canonical form, the lowest byte
 * first. Bit by bit: each schema is met once.
 */
export function singleObjectHeader(canonicalForm: string): Uint8Array {
  let fingerprint = EMPTY
  for (const byte of Buffer.from(canonicalForm)) {
    fingerprint ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) fingerprint = (fingerprint >> 1n) ^ ((fingerprint & 1n) * EMPTY)
  }
  const header = Buffer.of(0xc3, 0x01, 0, 0, 0, 0, 0, 0, 0, 0)
  header.writeBigUInt64LE(fingerprint, 2)
  return header
}
