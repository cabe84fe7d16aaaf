import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import type { Writable } from 'node:stream'

/**
 * A shell that becomes the program, having left a guard behind. The guard reads a pipe whose other end only we hold: a line says that the program has
 * ended and the guard may go; end of file without one says that we are gone, however that came, and it ends the program. `$$` is the program's own
 * number, since `exec` keeps it. Linux's PR_SET_PDEATHSIG would need native code, and ends with the thread that asked.
 */
const GUARDED = '{ read -r ended <&3 || kill -9 $$; } & exec 3<&-; exec "$@"'

/** How a program ended. */
export interface HowEnded {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A program that runs, and that dies with this process even where that is killed. */
export interface GuardedProcess {
  readonly pid: number
  /** Resolves when it has ended. */
  readonly ended: Promise<HowEnded>
  /** How it ended, or undefined while it runs. */
  howEnded(): HowEnded | undefined
  /** Sends a signal, unless it has ended. */
  signal(name: NodeJS.Signals): void
}

/** Where and how a program runs. */
export interface GuardedOptions {
  readonly args: readonly string[]
  /** Working folder. */
  readonly folder: string
  /** File for what it prints; made anew. */
  readonly output: string
}

/** Starts a program under guard; rejects where it cannot be started at all. */
export async function startGuarded(program: string, { args, folder, output }: GuardedOptions): Promise<GuardedProcess> {
  const file = openSync(output, 'w')
  try {
    const child = spawn('sh', ['-c', GUARDED, 'guarded', program, ...args], { cwd: folder, stdio: ['ignore', file, file, 'pipe'] })
    const guard = child.stdio[3] as Writable
    guard.on('error', ignoreClosedPipe)
    let how: HowEnded | undefined
    const ended = new Promise<HowEnded>((resolve) => {
      child.once('exit', (code, signal) => {
        how = { code, signal }
        guard.end('ended\n')
        resolve(how)
      })
    })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
    return { pid: child.pid!, ended, howEnded: () => how, signal: (name) => void (how === undefined && child.kill(name)) }
  } finally {
    closeSync(file)
  }
}

/** The guard may have been ended with its program, by whoever ends a whole group; then there is nobody left to tell. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') throw error
}
