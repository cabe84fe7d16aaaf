import { deflateRawSync } from 'node:zlib'

/** Shorter data is stored as it is: to set up a deflater takes longer than all else that is done to such an entry, and every reader sets up an inflater. */
const LEAST_BYTES = 1_024

/** What is stored instead of an entry's data: the same, deflated, or undefined where it is shorter than 1,024 bytes. */
export function deflateEntry(data: Uint8Array): Uint8Array | undefined {
  return data.length < LEAST_BYTES ? undefined : deflateRawSync(data, { level: 1 })
}
