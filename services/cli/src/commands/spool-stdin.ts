import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { RiskError } from '@riskledger/contracts'
import { stopOnSignals } from '@riskledger/runtime'

/** Files as a run is to read them. */
export interface SpooledFiles {
  /** In the order named; in the place of `-` the temporary file. */
  readonly files: readonly string[]
  /** The message with `standard input` for the temporary file's name. */
  readonly named: (message: string) => string
  /** Removes what was made. */
  readonly release: () => Promise<void>
}

/**
 * Copies standard input to a temporary file where a file is named `-`: a worker thread's standard input is empty, so it is read
 * here, in the main thread, until its end. At most one `-`. Throws `file-unreadable`, and `cancelled` at SIGINT or SIGTERM;
 * nothing is left behind then.
 */
export async function spoolStdin(files: readonly string[]): Promise<SpooledFiles> {
  const named = files.filter((file) => file === '-').length
  if (named === 0) return { files, named: (message) => message, release: () => Promise.resolve() }
  if (named > 1)
    throw new RiskError('file-unreadable', 'Standard input (-) is named more than once; it can be read once only.', { retriable: false })
  const folder = await mkdtemp(join(tmpdir(), 'riskledger-stdin-'))
  const release = (): Promise<void> => rm(folder, { recursive: true, force: true })
  const path = join(folder, 'input')
  const signals = stopOnSignals()
  try {
    await pipeline(process.stdin, createWriteStream(path, { mode: 0o600 }), { signal: signals.signal })
  } catch (error) {
    await release()
    const details = { retriable: false, cause: error }
    if (signals.signal.aborted) throw new RiskError('cancelled', 'Stopped while reading standard input; nothing of it was taken.', details)
    throw new RiskError('file-unreadable', `Standard input cannot be copied to ${folder}: ${(error as Error).message}.`, details)
  } finally {
    signals.dispose()
  }
  return {
    files: files.map((file) => (file === '-' ? path : file)),
    named: (message) => message.replaceAll(path, 'standard input'),
    release,
  }
}
