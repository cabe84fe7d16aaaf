import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'

const EXECUTABLE = join(__dirname, '..', '..', 'services', 'cli', 'bin', 'riskledger.js')

/** How a run of the executable ended. */
export interface Run {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** How the executable is run. */
export interface RunOptions {
  /** Beside those of this process, which lose their RISKLEDGER_ ones. */
  readonly environment?: Readonly<Record<string, string>>
  /** Folder to run it in; left out: that of this process. */
  readonly cwd?: string
  /** Given the process once it runs, so that a test can end it. */
  readonly onStart?: (child: ChildProcess) => void
  /** What it reads from standard input, through a pipe; left out: nothing. */
  readonly stdin?: string
  /** Lines of bash that are run before, such as a `ulimit`. */
  readonly before?: string
}

/** Runs `riskledger` with these arguments in a process of its own and resolves once it is gone, however it ended. */
export function runRiskledger(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('RISKLEDGER_')))
  const [command, ...first] =
    options.before === undefined ? [process.execPath] : ['bash', '-c', `${options.before}; exec "$0" "$@"`, process.execPath]
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...first, EXECUTABLE, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...inherited, ...options.environment },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    })
    // One that ends before it has read everything closes the pipe; how it ended tells why.
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.stdin ?? '')
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
    options.onStart?.(child)
  })
}

/** What `screen --json` prints. */
export interface Screened {
  readonly inputs: number
  readonly screened: number
  readonly observed: number
  readonly late: number
  readonly duplicate: number
  readonly conflicting: number
  readonly quarantined: number
  readonly takenNow: number
  readonly verdicts: Readonly<Record<string, number>>
  readonly journalDigest: string
}

/** Runs a command with `--json` that is to end well, and gives what it printed. */
export async function runToEnd<Result>(args: readonly string[], options: RunOptions = {}): Promise<Result> {
  const run = await runRiskledger(['--json', ...args], options)
  if (run.code !== 0)
    throw new Error(`riskledger ${args.join(' ')} ended with ${String(run.code ?? run.signal)}: ${run.stderr}${run.stdout}`)
  return JSON.parse(run.stdout) as Result
}

/** Holds a folder to its promises: the fold repeats what is recorded, and nothing is missing or altered. */
export async function expectWhole(dataDir: string, inputs: number): Promise<void> {
  const replayed = await runToEnd<{ inputs: number; mismatches: number }>(['--data-dir', dataDir, 'replay'])
  expect(replayed).toMatchObject({ inputs, mismatches: 0 })
  const verified = await runToEnd<{ inputs: number; faults: unknown[] }>(['--data-dir', dataDir, 'verify'])
  expect(verified).toMatchObject({ inputs, faults: [] })
}

/** One line per input, as `export` writes them: its place, its ids, and what was decided. */
export async function exported(dataDir: string): Promise<readonly string[]> {
  const run = await runRiskledger(['--data-dir', dataDir, 'export', '--format', 'ndjson'])
  if (run.code !== 0) throw new Error(`export ended with ${String(run.code ?? run.signal)}: ${run.stderr}`)
  return run.stdout.trimEnd().split('\n')
}
