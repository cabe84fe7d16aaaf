import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Writable } from 'node:stream'
import { RiskError } from '@riskledger/contracts'

/**
 * Writes chunks to a stream at the pace at which it takes them. Resolves to false where the reader went away first (`| head`), which is no
 * error.
 */
export async function writeChunks(chunks: AsyncIterable<string | Uint8Array>, out: Writable): Promise<boolean> {
  let failure: NodeJS.ErrnoException | null = null
  const onError = (error: NodeJS.ErrnoException): void => {
    failure = error
  }
  out.on('error', onError)
  try {
    for await (const chunk of chunks) {
      if (!out.write(chunk) && failure === null) await Promise.race([once(out, 'drain'), once(out, 'close')])
      if (failure !== null) throw failure
      if (out.destroyed) return false
    }
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return false
    throw error
  } finally {
    out.off('error', onError)
  }
}

/** Writes chunks to a file that appears whole or not at all, flushed. Throws `disk-full` or `file-unreadable` naming the file. */
export async function writeFileFromChunks(file: string, chunks: AsyncIterable<string | Uint8Array>): Promise<void> {
  const path = resolve(file)
  const temporary = `${path}.${process.pid}.tmp`
  const stream = createWriteStream(temporary, { flags: 'w' })
  try {
    await once(stream, 'open')
    await writeChunks(chunks, stream)
    stream.end()
    await once(stream, 'close')
    await flush(temporary)
    await rename(temporary, path)
    await flush(dirname(path))
  } catch (error) {
    stream.destroy()
    await rm(temporary, { force: true })
    if (error instanceof RiskError || (error as NodeJS.ErrnoException).code === undefined) throw error
    throw unwritable(file, error as NodeJS.ErrnoException)
  }
}

/** A failure to write a file, as a `RiskError` that names it. */
export function unwritable(file: string, error: NodeJS.ErrnoException): RiskError {
  const full = error.code === 'ENOSPC'
  const message = full ? `${file}: the disk is full. Make room and run it again; nothing is half-written.` : `${file}: cannot be written (${error.message}). Choose another place.`
  return new RiskError(full ? 'disk-full' : 'file-unreadable', message, { retriable: false, cause: error, context: { file } })
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
