import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What is known of a process by its number: that there is none, its command line, or only that there is one. */
export type RunningCommand = { readonly kind: 'none' } | { readonly kind: 'known'; readonly command: string } | { readonly kind: 'unknown' }

/** Where a system tells of its processes. */
export interface ProcessSources {
  /** Default: `/proc`. */
  readonly procFolder?: string
  /** Default: `ps`, on the search path. */
  readonly ps?: string
}

const NONE: RunningCommand = { kind: 'none' }

/**
 * The command line of a process, its arguments parted by spaces: from `/proc` where the system has one, since small images have no `ps`, else from `ps`.
 */
export function runningCommand(pid: number, { procFolder = '/proc', ps = 'ps' }: ProcessSources = {}): RunningCommand {
  if (!Number.isInteger(pid) || pid <= 0) return NONE
  const hasProc = existsSync(join(procFolder, 'self', 'cmdline'))
  return hasProc ? commandFromProc(join(procFolder, String(pid), 'cmdline')) : commandFromPs(ps, pid)
}

function commandFromProc(file: string): RunningCommand {
  try {
    const command = readFileSync(file, 'utf8').replaceAll('\0', ' ').trim()
    // A process that has ended and waits to be reaped has none.
    return command === '' ? NONE : { kind: 'known', command }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return NONE
    if (code === 'EACCES' || code === 'EPERM') return { kind: 'unknown' }
    throw error
  }
}

function commandFromPs(ps: string, pid: number): RunningCommand {
  const { stdout, status } = spawnSync(ps, ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8' })
  if (status === 0 && stdout.trim() !== '') return { kind: 'known', command: stdout.trim() }
  // Without `ps`, or where it failed, a signal of no effect still tells whether there is such a process.
  return exists(pid) ? { kind: 'unknown' } : NONE
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ESRCH') return false
    if (code === 'EPERM') return true
    throw error
  }
}
