/** Most that shared memory is let grow to: V8 makes no longer one. */
const MOST_BYTES = 0x1_0000_0000
/** Smaller arrays are moved as they grow, which takes well below a millisecond. */
const LARGE_BYTES = 0x10_0000

/** Typed arrays that may be grown; other views of the same memory must be made anew afterwards. */
type Numbers = Float64Array | Int32Array | Uint32Array | Uint16Array

type ArrayType<T extends Numbers> = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => T

/**
 * An array of `length` zeros that `grown` can make longer where it lies. From 1 MiB on it lies in shared memory of its own, with 4 GiB of address
 * space reserved, which takes memory only as it is written to: making it, or making it longer, takes microseconds. Copying 100 MiB takes a quarter
 * of a second, in which nothing is decided. Smaller ones, and those above 4 GiB, are ordinary memory and are copied as they grow.
 *
 * In shared memory `set` and `copyWithin` go byte by byte unless source and target lie alike within eight bytes.
 */
export function growingArray<T extends Numbers>(type: ArrayType<T>, length: number): T {
  const bytes = length * (type as unknown as { readonly BYTES_PER_ELEMENT: number }).BYTES_PER_ELEMENT
  const buffer = bytes < LARGE_BYTES || bytes > MOST_BYTES ? new ArrayBuffer(bytes) : growingMemory(bytes)
  // With its length told: one that followed its buffer's would be slow.
  return new type(buffer, 0, length)
}

/** Shared, because other memory can grow where it lies only for arrays that the engine is slow with; ordinary where the system does not let so much be reserved. */
function growingMemory(bytes: number): ArrayBufferLike {
  try {
    return new SharedArrayBuffer(bytes, { maxByteLength: MOST_BYTES })
  } catch {
    return new ArrayBuffer(bytes)
  }
}

/**
 * The array made `length` elements long, no fewer than it has: its content, then zeros. Takes arrays made otherwise too. Where it can stay, both arrays are
 * views of the same memory; else it is copied. Programmer error (unchecked): a shorter length.
 */
export function grown<T extends Numbers>(array: T, length: number): T {
  const type = array.constructor as unknown as ArrayType<T>
  const { buffer } = array
  const bytes = length * array.BYTES_PER_ELEMENT
  if (buffer instanceof SharedArrayBuffer && bytes <= buffer.maxByteLength) {
    buffer.grow(bytes)
    return new type(buffer, 0, length)
  }
  const longer = growingArray(type, length)
  longer.set(array)
  return longer
}

/** The same memory as doubles. */
export function doublesOf(array: Numbers): Float64Array {
  return new Float64Array(array.buffer, array.byteOffset, array.byteLength / Float64Array.BYTES_PER_ELEMENT)
}

/** The same memory as bytes. */
export function bytesOf(array: Numbers): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}
