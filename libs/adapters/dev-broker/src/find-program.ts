import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { RiskError } from '@riskledger/contracts'

const HOW_TO_GET = {
  java: 'Java 17 or newer is needed to run Kafka: install a JRE (Debian and Ubuntu: apt-get install openjdk-17-jre-headless)',
  mvn: 'Maven is needed once, to fetch the jars of Kafka: install it (Debian and Ubuntu: apt-get install maven)',
} as const

/** The programs from outside that a local broker needs. */
export type BrokerProgram = keyof typeof HOW_TO_GET

/** Where a program lies on the search path, or undefined. `path` is a list of folders as in the variable PATH. */
export function findProgram(name: BrokerProgram, path: string | undefined = process.env.PATH): string | undefined {
  const folders = (path ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

/** As `findProgram`; throws `configuration-invalid`, saying what to install, where it is not there. */
export function requireProgram(name: BrokerProgram, path: string | undefined = process.env.PATH): string {
  const found = findProgram(name, path)
  if (found !== undefined) return found
  throw new RiskError('configuration-invalid', `${name} is not on the search path. ${HOW_TO_GET[name]}, and start this again.`, {
    retriable: false,
    context: { program: name },
  })
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'EACCES' || code === 'ENOTDIR') return false
    throw error
  }
}
