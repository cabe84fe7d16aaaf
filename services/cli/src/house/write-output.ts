import { once } from 'node:events'
import { createWriteStream, existsSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Writable } from 'node:stream'
import { RiskError } from '@riskledger/contracts'

/** What is written, piece by piece. */
export type Chunks = AsyncIterable<string | Uint8Array> | Iterable<string>

/**
 * Writes chunks to a stream at the pace at which it takes them. Resolves to false where the reader went away first (`| head`), which is no
 * error.
 */
export async function writeChunks(chunks: Chunks, out: Writable): Promise<boolean> {
  const failures: NodeJS.ErrnoException[] = []
  const onError = (error: NodeJS.ErrnoException): void => {
    failures.push(error)
  }
  out.on('error', onError)
  try {
    for await (const chunk of chunks) {
      if (!out.write(chunk) && failures.length === 0) await roomIn(out)
      if (failures.length > 0) throw failures[0]
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

/** Resolves once a stream takes more, or takes nothing any more. */
function roomIn(out: Writable): Promise<void> {
  return new Promise((resolve) => {
    const events = ['drain', 'close', 'error']
    const done = (): void => {
      for (const event of events) out.off(event, done)
      resolve()
    }
    for (const event of events) out.on(event, done)
  })
}

/** Throws `configuration-invalid` where a file is there already that a command would write, unless it was told to write over it. */
export function refuseExisting(file: string, { force }: { readonly force: boolean }): void {
  if (force || !existsSync(file)) return
  throw new RiskError('configuration-invalid', `${file} is there already. Choose another name with --out, or write over it with --force.`, {
    retriable: false,
    context: { file },
  })
}

/** Writes chunks to a file that appears whole or not at all, flushed. Throws `disk-full` or `file-unreadable` naming the file. */
export async function writeFileFromChunks(file: string, chunks: Chunks): Promise<void> {
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

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such folder',
  ENOTDIR: 'a part of the path is a file',
  EISDIR: 'it is a folder',
  EACCES: 'this user may not',
  EPERM: 'this user may not',
  EROFS: 'the disk is read-only',
}

/** In plain words where they are known: the system's own would name a temporary file. */
function reasonOf({ code = '', message }: NodeJS.ErrnoException): string {
  return REASONS[code] ?? message
}

/** A failure to write a file, as a `RiskError` that names it. */
export function unwritable(file: string, error: NodeJS.ErrnoException): RiskError {
  const full = error.code === 'ENOSPC'
  const message = full
    ? `${file}: the disk is full. Make room and run it again; nothing is half-written.`
    : `${file}: cannot be written (${reasonOf(error)}). Choose another place.`
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
