/** Table of the 64-bit Rabin fingerprint (Avro 1.11 specification, "Schema Fingerprints"). */
const EMPTY = 0xc15d213aa4d7a795n
const TABLE = new BigUint64Array(256)
for (let i = 0; i < 256; i++) {
  let fingerprint = BigInt(i)
  for (let bit = 0; bit < 8; bit++) fingerprint = (fingerprint >> 1n) ^ (EMPTY & -(fingerprint & 1n))
  TABLE[i] = BigInt.asUintN(64, fingerprint)
}

/** CRC-64-AVRO of the bytes, which for a schema are the UTF-8 of its parsing canonical form. */
export function crc64Avro(bytes: Uint8Array): bigint {
  let fingerprint = EMPTY
  for (const byte of bytes) fingerprint = (fingerprint >> 8n) ^ TABLE[Number((fingerprint ^ BigInt(byte)) & 0xffn)]
  return fingerprint
}

/** The fingerprint as it stands in a single-object encoding: 8 bytes, the lowest first. */
export function fingerprintBytes(fingerprint: bigint): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, fingerprint, true)
  return bytes
}
