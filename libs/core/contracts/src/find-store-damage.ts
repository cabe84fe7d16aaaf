import { bootIdOf, readBytes, readHeaders, type StoreFile, type StoreFileAccess, type StoreHeader } from './store-header'
import { findPageBeyond, isTreePage } from './store-tree'

/** How a store's file is looked at. */
export interface StoreDamageOptions {
  /** The part of `node:fs` that is needed; hand in the module itself. */
  readonly fs: StoreFileAccess
  /** As the store is about to be opened: one that is opened to write goes back to its last flushed state after a crash of the machine. */
  readonly readOnly: boolean
}

/**
 * What is wrong with the data file of an LMDB store, as the end of a sentence that begins with its name (`is empty (0 bytes)`); null where nothing is,
 * or where there is no such file.
 *
 * LMDB maps the file and trusts it: of a file that was cut short, or whose header was overwritten, it reads past the end, and the process ends by a
 * signal instead of an error. So this looks before LMDB does: both header pages, the roots that they name, and that the file reaches as far as its
 * pages do. Damage in the midst of the file is for the checksums and hashes of what is stored. Layout: LMDB's `mdb.c`, data version 2, little-endian.
 * The file may be in use meanwhile. Takes microseconds, except where the file is shorter than its header says: then every page in use is looked for.
 */
export function findStoreDamage(path: string, { fs, readOnly }: StoreDamageOptions): string | null {
  const descriptor = openFile(path, fs)
  if (descriptor === null) return null
  const file: StoreFile = { fs, descriptor }
  try {
    for (;;) {
      const headers = readHeaders(file)
      if (headers.kind === 'damaged') return headers.reason
      const header = headerInUse(headers.headers, { readOnly, bootId: bootIdOf(fs) })
      const damage = damageUnder(header, file)
      if (damage === null) return null
      // A writer may have passed by and used the pages anew: only what stays under the same header is damage.
      const again = readHeaders(file)
      if (again.kind === 'whole' && newest(again.headers).transaction === newest(headers.headers).transaction) return damage
    }
  } finally {
    fs.closeSync(descriptor)
  }
}

function openFile(path: string, fs: StoreFileAccess): number | null {
  try {
    return fs.openSync(path, 'r')
  } catch (error) {
    if ((error as { readonly code?: string }).code === 'ENOENT') return null
    throw error
  }
}

function newest(headers: readonly StoreHeader[]): StoreHeader {
  return headers.reduce((latest, header) => (header.transaction > latest.transaction ? header : latest))
}

/**
 * The header that LMDB goes by: the newest, but where commits are not flushed one by one and the machine was restarted since, the oldest, which
 * is the one that was flushed. What came after it may not have reached the disk, and no answer was given for it.
 */
function headerInUse(headers: readonly StoreHeader[], options: { readonly readOnly: boolean; readonly bootId: number }): StoreHeader {
  const latest = newest(headers)
  if (options.readOnly || !latest.flushesLater || latest.bootId === options.bootId) return latest
  const committed = headers.filter((header) => header.transaction > 0)
  return committed.reduce((oldest, header) => (header.transaction < oldest.transaction ? header : oldest), latest)
}

function damageUnder(header: StoreHeader, file: StoreFile): string | null {
  const { pageBytes, lastPage, roots } = header
  // After the header: the file only grows, so what was committed before lies within this size.
  const sizeBytes = file.fs.fstatSync(file.descriptor).size
  const endBytes = (lastPage + 1) * pageBytes
  for (const root of roots) {
    if (root !== null && root > lastPage) return `has a damaged header: it names page ${root} of ${lastPage + 1}`
  }
  const cut = `is cut short: it has ${sizeBytes} bytes and should have ${endBytes}`
  if (sizeBytes < endBytes) {
    // The last pages may be free, and then they need not be there.
    const found = findPageBeyond(file, { pageBytes, roots, pages: Math.floor(sizeBytes / pageBytes) })
    return found === null ? null : found === 'beyond' ? cut : `is damaged: ${found}`
  }
  for (const root of roots) {
    if (root === null) continue
    if (!isTreePage(readBytes(file, root * pageBytes, pageBytes), root))
      return `has a damaged header: page ${root}, which it names, is none of its trees`
  }
  return null
}
