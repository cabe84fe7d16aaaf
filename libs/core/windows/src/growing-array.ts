/** The longest that V8 lets shared memory grow. */
const MOST_BYTES = 0x1_0000_0000
/** Smaller arrays are moved as they grow, which takes well below a millisecond. */
const LARGE_BYTES = 0x10_0000

/** A typed array that may be grown; 8-byte and 4-byte views of the same memory are made anew after it was. */
type Numbers = Float64Array | Int32Array | Uint32Array | Uint16Array

type ArrayType<T extends Numbers> = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => T

/**
 * An array of zeros that `grown` can make longer where it lies. Large ones lie at the start of a page of their own, in address space that is reserved for 4 GiB and takes memory only
 * as it is written to: making one, or making it longer, takes microseconds whatever its length. Copying 100 MiB to twice the room takes a quarter of a second, in which nothing is decided. Moving a part of it (`copyWithin`) is slow.
 */
export function growingArray<T extends Numbers>(type: ArrayType<T>, length: number): T {
  const bytes = length * (type as unknown as { readonly BYTES_PER_ELEMENT: number }).BYTES_PER_ELEMENT
  // Shared, because other memory can grow where it lies only for arrays that the engine is slow with.
  const buffer =
    bytes < LARGE_BYTES || bytes > MOST_BYTES ? new ArrayBuffer(bytes) : new SharedArrayBuffer(bytes, { maxByteLength: MOST_BYTES })
  // With its length told: one that followed its buffer's would be slow.
  return new type(buffer, 0, length)
}

/** What `growingArray` gave, `length` long: its content, then zeros. Where it could stay, both are views of the same memory. */
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
