import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Bytes that a folder takes on disk; a sparse file counts what is allocated. What vanishes meanwhile counts nothing. */
export async function folderBytes(folder: string): Promise<number> {
  let bytes = 0
  const entries = await unlessGone(readdir(folder, { withFileTypes: true, recursive: true }))
  for (const entry of entries ?? []) {
    if (entry.isFile()) bytes += ((await unlessGone(stat(join(entry.parentPath, entry.name))))?.blocks ?? 0) * 512
  }
  return bytes
}

async function unlessGone<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
