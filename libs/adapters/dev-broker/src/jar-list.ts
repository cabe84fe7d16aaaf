import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { RiskError } from '@riskledger/contracts'
import { KAFKA_VERSION } from './kafka-release'

const LIST_FILE = 'jars.json'
/** Those that are asked for by name, and the one that all of them need. */
const NEEDED = [`kafka_2.13-${KAFKA_VERSION}.jar`, `kafka-tools-${KAFKA_VERSION}.jar`, `kafka-clients-${KAFKA_VERSION}.jar`]
/** A zip file's "end of central directory" (PKWARE APPNOTE 4.3.16), without a comment: its length, mark, and the places of two numbers in it. */
const END_BYTES = 22
const END_MARK = 0x06_05_4b_50
const DIRECTORY_SIZE_AT = 12
const DIRECTORY_OFFSET_AT = 16

interface ListedJar {
  readonly name: string
  readonly bytes: number
}

/** Lists the jars in the folder with their sizes, in a file beside them. Throws `log-unavailable` where there are none. */
export function writeJarList(folder: string): void {
  const jars: readonly ListedJar[] = (existsSync(folder) ? jarsIn(folder) : []).map((name) => ({
    name,
    bytes: statSync(join(folder, name)).size,
  }))
  if (jars.length === 0)
    throw new RiskError(
      'log-unavailable',
      `Maven ended well and fetched no jars of Kafka ${KAFKA_VERSION}. Try again, or look at its settings.`,
      {
        retriable: true,
      },
    )
  writeFileSync(join(folder, LIST_FILE), `${JSON.stringify(jars)}\n`)
}

/**
 * The names of the jars in the folder, in a fixed order, where all of them are there and whole; else undefined. They are held to their list. A folder of
 * an earlier release has none: there, Kafka's own jars have to be there, and every jar has to end as a zip file of its size does.
 */
export function wholeJars(folder: string): readonly string[] | undefined {
  if (!existsSync(folder)) return undefined
  const names = jarsIn(folder)
  const listed = readList(join(folder, LIST_FILE))
  if (listed === undefined)
    return NEEDED.every((name) => names.includes(name)) && names.every((name) => isWholeZip(join(folder, name))) ? names : undefined
  const isWhole = ({ name, bytes }: ListedJar): boolean => names.includes(name) && statSync(join(folder, name)).size === bytes
  return listed.length > 0 && listed.every(isWhole) ? listed.map(({ name }) => name) : undefined
}

function jarsIn(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jar'))
    .sort()
}

/** A list that cannot be read was cut off, and holds nothing. */
function readList(file: string): readonly ListedJar[] | undefined {
  if (!existsSync(file)) return undefined
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as readonly ListedJar[]
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
}

/** True where the directory at the end of the file says that it ends there, as it does in a jar, which has no comment. */
function isWholeZip(file: string): boolean {
  const { size } = statSync(file)
  if (size < END_BYTES) return false
  const end = Buffer.alloc(END_BYTES)
  const descriptor = openSync(file, 'r')
  try {
    readSync(descriptor, end, 0, END_BYTES, size - END_BYTES)
  } finally {
    closeSync(descriptor)
  }
  const directoryEnd = end.readUInt32LE(DIRECTORY_OFFSET_AT) + end.readUInt32LE(DIRECTORY_SIZE_AT)
  return end.readUInt32LE(0) === END_MARK && directoryEnd === size - END_BYTES
}
