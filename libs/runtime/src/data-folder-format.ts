import { RiskError } from '@riskledger/contracts'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LOCK_FOLDER } from './lock-data-folder'
import { writeFileDurably } from './write-file-durably'

/** What `riskledger.json` in a data folder says. */
export interface DataFolder {
  /** Format of everything in the folder. */
  readonly format: number
  readonly partitions: number
  /** Wall time at which the folder was made, ISO 8601 UTC. */
  readonly created: string
}

/** The format that this version writes, and the only one that it reads. */
export const DATA_FOLDER_FORMAT = 1

/** Name of the file in the data folder. */
export const DATA_FOLDER_FILE = 'riskledger.json'

/** The folder inside of a data folder where a local Kafka broker keeps its files; a backup leaves it out. */
export const DEV_BROKER_FOLDER = 'kafka'

/** How a data folder is opened to write. */
export interface DataFolderOptions {
  /** Undefined: as the folder says, else 1. */
  readonly partitions?: number | undefined
}

/**
 * Opens a data folder to write, making it where there is none. Hold its lock before: two makers would race.
 *
 * @throws RiskError as `checkDataFolder`.
 */
export async function openDataFolder(folder: string, options: DataFolderOptions = {}): Promise<DataFolder> {
  const found = await checkDataFolder(folder, options)
  if (found !== undefined) return found
  await mkdir(folder, { recursive: true })
  const made: DataFolder = { format: DATA_FOLDER_FORMAT, partitions: options.partitions ?? 1, created: new Date().toISOString() }
  await writeFileDurably(join(folder, DATA_FOLDER_FILE), `${JSON.stringify(made, null, 2)}\n`)
  return made
}

/**
 * Tells whether a folder can be opened to write, before anything is done to it, such as taking its lock. Gives what its file says, or undefined where
 * `openDataFolder` would make it.
 *
 * @throws RiskError `data-folder-format` (older, newer, damaged, or a folder of something else),
 *   `configuration-invalid` (another number of partitions than the folder has).
 */
export async function checkDataFolder(folder: string, { partitions }: DataFolderOptions = {}): Promise<DataFolder | undefined> {
  const found = await readFolderFile(folder)
  if (found !== undefined) {
    if (partitions !== undefined && partitions !== found.partitions) throw otherPartitions({ folder, found, partitions })
    return found
  }
  const strangers = (await namesIn(folder)).filter((name) => !belongs(folder, name))
  if (strangers.length > 0) {
    throw unusable(
      folder,
      `${folder} holds ${strangers[0]} but no ${DATA_FOLDER_FILE}, so it is not a data folder of RiskLedger. Choose an empty or new folder with --data-dir.`,
    )
  }
  return undefined
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/**
 * Opens a data folder to read; makes and changes nothing.
 *
 * @throws RiskError `file-not-found` where there is no data folder, `data-folder-format` as `openDataFolder`.
 */
export async function readDataFolder(folder: string): Promise<DataFolder> {
  const found = await readFolderFile(folder)
  if (found !== undefined) return found
  throw new RiskError(
    'file-not-found',
    `${folder} is not a data folder of RiskLedger: it has no ${DATA_FOLDER_FILE}. Run riskledger up or riskledger screen first, or name the right folder with --data-dir.`,
    {
      retriable: false,
      context: { folder },
    },
  )
}

/**
 * The lock, drafts of the folder's own file, the local broker's folder, and data folders that lie in this one: `.riskledger` holds the demo's and those of
 * named files.
 */
function belongs(folder: string, name: string): boolean {
  return (
    name === LOCK_FOLDER ||
    name === DEV_BROKER_FOLDER ||
    name.startsWith(`${DATA_FOLDER_FILE}.`) ||
    existsSync(join(folder, name, DATA_FOLDER_FILE))
  )
}

async function readFolderFile(folder: string): Promise<DataFolder | undefined> {
  const path = join(folder, DATA_FOLDER_FILE)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT') return undefined
    if (code === 'ENOTDIR') throw unusable(folder, `${folder} is not a folder. Choose an empty or new folder with --data-dir.`)
    throw new RiskError('file-unreadable', `${path} cannot be read (${code}). Check its owner and permissions.`, {
      retriable: false,
      cause: error,
      context: { path },
    })
  }
  const value = parseFolderFile(text)
  if (value === undefined)
    throw unusable(
      folder,
      `${path} is damaged: it should hold {"format", "partitions", "created"} as JSON. Restore it from a backup (riskledger backup) or choose another folder with --data-dir.`,
    )
  if (value.format > DATA_FOLDER_FORMAT) {
    throw unusable(
      folder,
      `${folder} has format ${value.format}; this version reads format ${DATA_FOLDER_FORMAT}. It was written by a newer RiskLedger: use that version, or choose another folder with --data-dir.`,
    )
  }
  if (value.format < DATA_FOLDER_FORMAT) {
    throw unusable(
      folder,
      `${folder} has format ${value.format}; this version reads format ${DATA_FOLDER_FORMAT}. It was written by an older RiskLedger: export it with that version and screen it anew, or choose another folder with --data-dir.`,
    )
  }
  return value
}

function parseFolderFile(text: string): DataFolder | undefined {
  let value: Partial<DataFolder> | null
  try {
    value = JSON.parse(text) as Partial<DataFolder> | null
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
  const { format, partitions, created } = value ?? {}
  // A newer format may have changed everything but its number, which is all that is needed to refuse it.
  if (Number.isSafeInteger(format) && (format as number) > DATA_FOLDER_FORMAT) return value as DataFolder
  const whole =
    Number.isSafeInteger(format) && Number.isSafeInteger(partitions) && (partitions as number) > 0 && typeof created === 'string'
  return whole ? (value as DataFolder) : undefined
}

function unusable(folder: string, message: string): RiskError {
  return new RiskError('data-folder-format', message, { retriable: false, context: { folder } })
}

function otherPartitions({
  folder,
  found,
  partitions,
}: {
  readonly folder: string
  readonly found: DataFolder
  readonly partitions: number
}): RiskError {
  const message = `partitions is ${partitions}, but ${folder} was made with ${found.partitions}, and that is fixed for its life. Leave --partitions out, or choose a new folder with --data-dir.`
  return new RiskError('configuration-invalid', message, { retriable: false, context: { folder, partitions, recorded: found.partitions } })
}
