import { createHash, type Hash } from 'node:crypto'
import { finished } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { RiskError } from '@riskledger/contracts'
import { KEPT_OF_LONG_LINE_BYTES, MAX_LINE_BYTES } from './emission'
import { fileError, readBytes, type SourceFile } from './source-files'

/** Part of a file: whole lines (the last may lack its line feed at the end of the file), or one line that is too long to hold. */
export type Block = { readonly kind: 'lines'; readonly bytes: Buffer } | { readonly kind: 'long-line'; readonly kept: Buffer }

const LINE_FEED = 10

/**
 * Reads a file, unpacked, in blocks of whole lines, in constant memory. A byte order mark at its start is left out.
 * `onRead` is told the bytes read so far, as stored. Zeros after a gzip are padding. Throws `file-unreadable` with the file, the place and
 * what is wrong: a damaged or cut gzip, more data after its zeros, or bytes that are not those that were there when the import began.
 */
export async function* readBlocks(
  file: SourceFile,
  options: { readonly onRead: (bytes: number) => void; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<Block, void, void> {
  const cutter = new BlockCutter()
  const hash = createHash('sha256')
  let bytesRead = 0
  let endOfData = 0
  const stored = readBytes(file.path, options.signal)
  stored.on('data', (chunk: Buffer) => {
    hash.update(chunk)
    const end = endOfNonZero(chunk)
    if (end > 0) endOfData = bytesRead + end
    bytesRead += chunk.length
    options.onRead(bytesRead)
  })
  stored.pause()
  const unpacked = file.packed ? createGunzip({ chunkSize: 262_144 }) : undefined
  if (unpacked !== undefined) {
    stored.on('error', (error) => unpacked.destroy(error))
    stored.pipe(unpacked)
  }
  try {
    for await (const chunk of unpacked ?? stored) yield* cutter.add(chunk as Buffer)
    if (unpacked !== undefined) {
      // The unzipper takes nothing more from a zero after a member on; the rest is read for the hash and for what it holds.
      stored.unpipe().resume()
      await finished(stored)
    }
  } catch (error) {
    throw isZlibError(error) ? damaged(file, error, bytesRead) : fileError(file.name, error)
  } finally {
    stored.destroy()
    unpacked?.destroy()
  }
  if (hash.digest('hex') !== file.sha256) {
    const message = `${file.name} changed while it was imported. What was read so far is taken; import the whole file again once it no longer changes.`
    throw new RiskError('file-unreadable', message, { retriable: false, context: { file: file.name } })
  }
  if (unpacked !== undefined && endOfData > unpacked.bytesWritten) throw moreAfterZeros(file, unpacked.bytesWritten)
  yield* cutter.end()
}

/** Cuts chunks into blocks of whole lines; the blocks' lines do not depend on how the chunks fell. */
export class BlockCutter {
  private carried: Buffer[] = []
  private carriedBytes = 0
  private long: { readonly hash: Hash; readonly kept: Buffer; lengthBytes: number } | undefined
  private atStart = true;

  *add(chunk: Buffer): Generator<Block, void, void> {
    let rest = chunk
    if (this.long !== undefined) {
      const end = rest.indexOf(LINE_FEED)
      this.lengthen(end === -1 ? rest : rest.subarray(0, end))
      if (end === -1) return
      yield this.closeLong()
      rest = rest.subarray(end + 1)
    }
    const last = rest.lastIndexOf(LINE_FEED)
    if (last === -1) return this.carry(rest)
    const first = rest.indexOf(LINE_FEED)
    if (this.carriedBytes + first > MAX_LINE_BYTES + 1) {
      this.carry(rest.subarray(0, first))
      yield this.closeLong()
      rest = rest.subarray(first + 1)
      if (last === first) return this.carry(rest)
      yield { kind: 'lines', bytes: rest.subarray(0, last - first) }
      return this.carry(rest.subarray(last - first))
    }
    const bytes = this.take(rest.subarray(0, last + 1))
    if (bytes.length > 0) yield { kind: 'lines', bytes }
    this.carry(rest.subarray(last + 1))
  }

  *end(): Generator<Block, void, void> {
    if (this.long !== undefined) yield this.closeLong()
    else {
      const bytes = this.take(Buffer.alloc(0))
      if (bytes.length > 0) yield { kind: 'lines', bytes }
    }
  }

  private carry(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.carried.push(bytes)
    this.carriedBytes += bytes.length
    // One byte more than the limit may be the carriage return of the line's end.
    if (this.carriedBytes <= MAX_LINE_BYTES + 1) return
    const line = this.take(Buffer.alloc(0))
    this.long = { hash: createHash('sha256'), kept: Buffer.from(line.subarray(0, KEPT_OF_LONG_LINE_BYTES)), lengthBytes: 0 }
    this.lengthen(line)
  }

  private take(tail: Buffer): Buffer {
    const whole = this.carried.length === 0 ? tail : Buffer.concat([...this.carried, tail])
    this.carried = []
    this.carriedBytes = 0
    const marked = this.atStart && whole.length >= 3 && whole[0] === 0xef && whole[1] === 0xbb && whole[2] === 0xbf
    this.atStart = false
    return marked ? whole.subarray(3) : whole
  }

  private lengthen(bytes: Buffer): void {
    if (this.long === undefined) return
    this.long.hash.update(bytes)
    this.long.lengthBytes += bytes.length
  }

  private closeLong(): Block {
    const { long } = this
    if (long === undefined) throw new Error('no long line is open')
    this.long = undefined
    return { kind: 'long-line', kept: cutLine(long.kept, { lengthBytes: long.lengthBytes, sha256: long.hash.digest('hex') }) }
  }
}

/**
 * What is kept of a line that is too long: its first 64 KiB and a note, together over the limit of a record, so that it reads as
 * oversized. Length and hash are those of the line without its line feed.
 */
export function cutLine(line: Buffer, whole: { readonly lengthBytes: number; readonly sha256: string }): Buffer {
  const note = `\n[cut here: the line has ${whole.lengthBytes} bytes, SHA-256 ${whole.sha256}]`
  return Buffer.concat([line.subarray(0, KEPT_OF_LONG_LINE_BYTES), Buffer.from(note)])
}

/** The place past the last byte that is not zero; 0 where all are. */
function endOfNonZero(bytes: Buffer): number {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  return end
}

function isZlibError(error: unknown): boolean {
  return typeof (error as NodeJS.ErrnoException).code === 'string' && ((error as NodeJS.ErrnoException).code ?? '').startsWith('Z_')
}

function damaged(file: SourceFile, error: unknown, bytesRead: number): RiskError {
  const cut = (error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR'
  const what = cut
    ? `ends after ${bytesRead} bytes, in the middle of its packed data`
    : `is damaged within its first ${bytesRead} bytes (${(error as Error).message})`
  return cannotUnpack(file, { what, byteOffset: bytesRead, cause: error })
}

function moreAfterZeros(file: SourceFile, byteOffset: number): RiskError {
  return cannotUnpack(file, { what: `has zeros from byte ${byteOffset} on and more data after them, which cannot be unpacked`, byteOffset })
}

function cannotUnpack(
  file: SourceFile,
  fault: { readonly what: string; readonly byteOffset: number; readonly cause?: unknown },
): RiskError {
  const { what, byteOffset, cause } = fault
  const message = `${file.name} ${what}. The whole lines before that place are taken. Fetch the file again and import it; what comes twice is recognised by its event id.`
  return new RiskError('file-unreadable', message, { retriable: false, cause, context: { file: file.name, byteOffset } })
}
