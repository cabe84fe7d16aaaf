import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Replaces a small file whole or not at all, flushed together with its folder, so that a crash leaves the old text or the new one. */
export async function writeFileDurably(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`
  const file = await open(temporary, 'w')
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
