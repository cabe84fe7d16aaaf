import { readFileSync } from 'node:fs'

/** A process, told apart from a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number
  /** Boot and start tick, where the system tells them (Linux), else null. */
  readonly startMark: string | null
}

/** Who this process is. */
export function currentProcess(): ProcessIdentity {
  return { pid: process.pid, startMark: startMark(process.pid) }
}

/**
 * Whether that very process still runs. A number that now belongs to another process counts as gone where start marks are known;
 * elsewhere a live number counts as alive. Processes of other containers cannot be seen: a data folder must not be shared between them.
 */
export function isAlive({ pid, startMark: mark }: ProcessIdentity): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error // EPERM: alive, and somebody else's
  }
  const now = startMark(pid)
  return now === null || mark === null || now === mark
}

/** Field 22 of /proc/<pid>/stat, counted after the closing bracket because a command may hold blanks. A zombie gets another mark: it holds nothing. */
function startMark(pid: number): string | null {
  const stat = readOptional(`/proc/${pid}/stat`)
  const boot = readOptional('/proc/sys/kernel/random/boot_id')
  if (stat === null || boot === null) return null
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return `${boot.trim()}/${fields[19]}${fields[0] === 'Z' ? '/ended' : ''}`
}

function readOptional(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES') return null
    throw error
  }
}
