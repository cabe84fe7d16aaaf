import { readFileSync } from 'node:fs'
import { RiskError } from '@riskledger/contracts'

/** The text of a file that a setting names. Throws `file-not-found` or `file-unreadable`, naming the flag. */
export function readNamedFile(path: string, flag: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const [errorCode, what] =
      code === 'ENOENT' ? (['file-not-found', 'is not there'] as const) : (['file-unreadable', `cannot be read (${code})`] as const)
    throw new RiskError(errorCode, `--${flag}: ${path} ${what}.`, {
      retriable: false,
      cause: error,
      context: { path },
    })
  }
}
