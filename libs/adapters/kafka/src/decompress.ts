import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import createSnappyCodec from 'kafkajs-snappy'

/** Most bytes that the records of one batch may come to when they are opened. */
export const MAX_OPENED_BYTES = 64 * 1024 * 1024

const gunzipAsync = promisify(gunzip)
const snappy = createSnappyCodec()

/** Names of the compressions by their number in a batch's attributes. */
const NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** What can be read compressed. */
export const READABLE_COMPRESSIONS = 'none, gzip and snappy'

/** A batch's records cannot be opened: `compression` says with what they are compressed. */
export class DecompressionError extends Error {
  override readonly name = 'DecompressionError'

  constructor(
    readonly compression: string,
    readonly known: boolean,
    cause?: unknown,
  ) {
    super(known ? `${compression} cannot be opened` : `${compression} is not read`, { cause })
  }
}

/**
 * The records of a compressed batch, by the batch's number for the compression. Throws `DecompressionError` for lz4, zstd and numbers that are
 * none, for bytes that are damaged, and for more than `maxBytes`: a few hundred bytes can stand for gigabytes.
 */
export async function decompress(compression: number, records: { readonly bytes: Buffer; readonly maxBytes: number }): Promise<Buffer> {
  const { bytes, maxBytes } = records
  const name = NAMES.at(compression) ?? `compression ${compression}`
  try {
    if (name === 'gzip') return await gunzipAsync(bytes, { maxOutputLength: maxBytes })
    // 1 byte of snappy stands for 64 at most.
    if (name === 'snappy' && bytes.length <= maxBytes / 64) return await snappy.decompress(bytes)
  } catch (error) {
    throw new DecompressionError(name, true, error)
  }
  throw new DecompressionError(name, name === 'snappy')
}
