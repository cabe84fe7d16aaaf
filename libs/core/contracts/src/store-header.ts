/** The part of `node:fs` that looking at a store's file needs. */
export interface StoreFileAccess {
  openSync(path: string, flags: 'r'): number
  fstatSync(descriptor: number): { readonly size: number }
  readSync(descriptor: number, into: Uint8Array, offset: number, length: number, position: number): number
  closeSync(descriptor: number): void
}

/** An open file of a store. */
export interface StoreFile {
  readonly fs: StoreFileAccess
  readonly descriptor: number
}

/** What a header page of a store says. */
export interface StoreHeader {
  readonly pageBytes: number
  /** Commits are seen before they are flushed, and the last flushed header is kept beside the two usual ones. */
  readonly flushesLater: boolean
  /** First pages of the trees of free pages and of data; null where a tree is empty. */
  readonly roots: readonly (number | null)[]
  readonly lastPage: number
  readonly transaction: number
  /** Which run of the machine wrote it; 0 where that is not known. */
  readonly bootId: number
}

/** A page begins with its number, its transaction, a spare field, its flags and its bounds. */
export const PAGE_HEADER_BYTES = 24

const HEADER_BYTES = PAGE_HEADER_BYTES + 144
const MAGIC = 0xbeefc0de
const DATA_VERSION = 2
const META_PAGE = 0x08
const FLUSHES_LATER = 0x1000
const NO_PAGE = 0xffff_ffff_ffff_ffffn

/** Bytes `[from, from + length)` of the file; those past its end are 0. */
export function readBytes({ fs, descriptor }: StoreFile, from: number, length: number): DataView {
  const bytes = new Uint8Array(length)
  fs.readSync(descriptor, bytes, 0, length, from)
  return new DataView(bytes.buffer)
}

/** The two headers of a store, and the third where there is one; or what is wrong with them. */
export function readHeaders(
  file: StoreFile,
): { readonly kind: 'whole'; readonly headers: readonly StoreHeader[] } | { readonly kind: 'damaged'; readonly reason: string } {
  const sizeBytes = file.fs.fstatSync(file.descriptor).size
  if (sizeBytes === 0) return damaged('is empty (0 bytes); delete it if nothing was ever taken in')
  if (sizeBytes < HEADER_BYTES) return damaged(`is cut short: it has ${sizeBytes} bytes, and its header alone has more`)
  const first = readBytes(file, 0, HEADER_BYTES)
  const pageBytes = first.getUint32(48, true)
  const version = first.getUint32(28, true) & 0xffff
  if (isHeader(first) && version !== DATA_VERSION)
    return damaged(`has data version ${version} of LMDB; this program reads version ${DATA_VERSION}`)
  if (!isHeader(first) || pageBytes < 256 || pageBytes > 65_536 || (pageBytes & (pageBytes - 1)) !== 0)
    return damaged('has a damaged header: its first page is not one of a store')
  if (sizeBytes < 2 * pageBytes) return damaged(`is cut short: it has ${sizeBytes} bytes, and its header alone has ${2 * pageBytes}`)
  const second = readBytes(file, pageBytes, HEADER_BYTES)
  if (!isHeader(second) || second.getUint32(48, true) !== pageBytes)
    return damaged('has a damaged header: its second page is not one of a store')
  const flushed = readHeader(readBytes(file, pageBytes / 2, HEADER_BYTES), pageBytes)
  const headers = [readHeader(first, pageBytes), readHeader(second, pageBytes)]
  return { kind: 'whole', headers: flushed.transaction > 0 ? [...headers, flushed] : headers }
}

/** The number of this run of the machine as LMDB notes it in a header; 0 where the system does not tell. */
export function bootIdOf(fs: StoreFileAccess): number {
  try {
    const descriptor = fs.openSync('/proc/sys/kernel/random/boot_id', 'r')
    try {
      const digits = new Uint8Array(8)
      fs.readSync(descriptor, digits, 0, 8, 0)
      return parseInt(String.fromCharCode(...digits), 16) || 0
    } finally {
      fs.closeSync(descriptor)
    }
  } catch {
    // No Linux: as LMDB does, every run then counts as another.
    return 0
  }
}

function damaged(reason: string): { readonly kind: 'damaged'; readonly reason: string } {
  return { kind: 'damaged', reason }
}

function isHeader(page: DataView): boolean {
  return (page.getUint16(18, true) & META_PAGE) !== 0 && page.getUint32(24, true) === MAGIC
}

function readHeader(page: DataView, pageBytes: number): StoreHeader {
  return {
    pageBytes,
    flushesLater: (page.getUint16(52, true) & FLUSHES_LATER) !== 0,
    roots: [pageNumber(page, 88), pageNumber(page, 136)],
    lastPage: Number(page.getBigUint64(144, true)),
    transaction: Number(page.getBigUint64(152, true)),
    bootId: Number(page.getBigInt64(160, true)),
  }
}

/** The page number at a place; null for none. */
export function pageNumber(page: DataView, at: number): number | null {
  const number = page.getBigUint64(at, true)
  return number === NO_PAGE ? null : Number(number)
}
