import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { RiskError } from '@riskledger/contracts'

/** A file that an import reads, as it was when the import began. */
export interface SourceFile {
  /** As it was named; `standard input` for `-`. For messages. */
  readonly name: string
  /** Where its bytes lie; standard input lies in a temporary file. */
  readonly path: string
  readonly sizeBytes: number
  /** SHA-256 (hex) over its bytes as stored, still packed. */
  readonly sha256: string
  /** True where it begins with the magic bytes of gzip. */
  readonly packed: boolean
  /** Removes what was made for it. */
  release(): Promise<void>
}

const READ_BYTES = 262_144
const NOTHING_TO_RELEASE = (): Promise<void> => Promise.resolve()

/**
 * Reads a file once for its identity. `-` is standard input: it is copied to a temporary file until its end, because an import
 * must be able to begin again. Throws `file-not-found` and `file-unreadable`.
 */
export async function openSourceFile(
  name: string,
  options: { readonly stdin: Readable; readonly signal?: AbortSignal | undefined },
): Promise<SourceFile> {
  if (name !== '-') return describe(name, name, { release: NOTHING_TO_RELEASE, signal: options.signal })
  const folder = await mkdtemp(join(tmpdir(), 'riskledger-stdin-'))
  const release = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    const path = join(folder, 'input')
    await pipeline(options.stdin, createWriteStream(path), options.signal === undefined ? {} : { signal: options.signal })
    return await describe('standard input', path, { release, signal: options.signal })
  } catch (error) {
    await release()
    throw error
  }
}

/** The file's bytes from its start, in chunks of 256 KiB. */
export function readBytes(path: string, signal?: AbortSignal): Readable {
  return createReadStream(path, { highWaterMark: READ_BYTES, ...(signal === undefined ? {} : { signal }) })
}

/** A failure of the file system as a `RiskError` that names the file. */
export function fileError(name: string, error: unknown): RiskError {
  if (error instanceof RiskError) return error
  const code = (error as NodeJS.ErrnoException).code
  const details = { retriable: false, cause: error, context: { file: name } }
  if ((error as Error).name === 'AbortError') return new RiskError('cancelled', `Reading ${name} was cancelled.`, details)
  if (code === 'ENOENT')
    return new RiskError('file-not-found', `${name} does not exist. Check the name and the folder it is looked for in.`, details)
  if (code === 'EISDIR') return new RiskError('file-unreadable', `${name} is a folder; name the files in it.`, details)
  if (code === 'EACCES' || code === 'EPERM') return new RiskError('file-unreadable', `${name} may not be read by this user.`, details)
  return new RiskError('file-unreadable', `${name} cannot be read: ${(error as Error).message}.`, details)
}

async function describe(
  name: string,
  path: string,
  options: { readonly release: () => Promise<void>; readonly signal: AbortSignal | undefined },
): Promise<SourceFile> {
  try {
    if ((await stat(path)).isDirectory()) throw Object.assign(new Error('is a folder'), { code: 'EISDIR' })
    const hash = createHash('sha256')
    let sizeBytes = 0
    for await (const chunk of readBytes(path, options.signal)) {
      hash.update(chunk as Buffer)
      sizeBytes += (chunk as Buffer).length
    }
    return { name, path, sizeBytes, sha256: hash.digest('hex'), packed: await beginsAsGzip(path), release: options.release }
  } catch (error) {
    throw fileError(name, error)
  }
}

async function beginsAsGzip(path: string): Promise<boolean> {
  const handle = await open(path, 'r')
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0)
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b
  } finally {
    await handle.close()
  }
}
