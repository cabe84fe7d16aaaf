import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RiskError, type Logger } from '@riskledger/contracts'
import { writeFileDurably } from '@riskledger/runtime'

/** An input of a journal: the entry that holds it, and its sequence. */
export interface DispatchPlace {
  readonly revision: number
  readonly sequence: number
}

/** How far a journal is published: every input up to and including `sequence`, which the entry `revision` holds. */
export interface DispatchPosition {
  readonly revision: number
  /** Id of that entry, by which a ledger that was replaced shows. */
  readonly entryId: string
  /** Null: the whole entry and whatever follows it in its append. */
  readonly sequence: number | null
}

/** Port of where positions are kept, by stream. A lost position costs duplicates, never a gap. */
export interface PositionStore {
  /** Null where none is kept, or what is kept cannot be read. */
  load(stream: string): Promise<DispatchPosition | null>
  /** Resolves once it is durable; rejects with a retriable `RiskError` where that may come yet. */
  save(stream: string, position: DispatchPosition): Promise<void>
  /** Where it is, for messages to people. */
  placeOf(stream: string): string
}

/** Changes with the shape of the files: one of another format is read as none. */
const FORMAT = 1

/**
 * Positions as one small file a stream, replaced whole and flushed at each save, so that a crash leaves the old position or the new one. Makes the
 * folder where it is missing. A file that cannot be read is told to `logger` and counts as none; one that finds no room is refused with `disk-full`, retriable.
 */
export function openPositionFiles(folder: string, { logger }: { readonly logger: Logger }): PositionStore {
  const placeOf = (stream: string): string => join(folder, `${stream}.json`)
  return {
    placeOf,
    load: async (stream) => {
      const text = await readOrNull(placeOf(stream))
      if (text === null) return null
      const position = parse(text)
      if (position === null) logger.warn('the position cannot be read and counts as lost', { file: placeOf(stream) })
      return position
    },
    save: async (stream, position) => {
      try {
        await mkdir(folder, { recursive: true })
        await writeFileDurably(placeOf(stream), JSON.stringify({ format: FORMAT, stream, ...position }))
      } catch (error) {
        throw (error as NodeJS.ErrnoException).code === 'ENOSPC' ? diskFull(placeOf(stream), error) : error
      }
    },
  }
}

function diskFull(file: string, cause: unknown): RiskError {
  return new RiskError('disk-full', `${file}: the disk is full, and the position cannot be kept. Make room; publishing goes on then.`, {
    retriable: true,
    cause,
    context: { file },
  })
}

async function readOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function parse(text: string): DispatchPosition | null {
  try {
    const kept = JSON.parse(text) as (Partial<DispatchPosition> & { readonly format?: unknown }) | null
    const { format, revision, entryId, sequence } = kept ?? {}
    const whole = format === FORMAT && Number.isSafeInteger(revision) && typeof entryId === 'string'
    if (!whole || (sequence !== null && !Number.isSafeInteger(sequence))) return null
    return { revision: revision!, entryId: entryId, sequence: sequence! }
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}
