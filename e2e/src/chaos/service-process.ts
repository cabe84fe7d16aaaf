import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const EXECUTABLE = join(__dirname, '..', '..', '..', 'services', 'cli', 'bin', 'riskledger.js')
/** Most of what a process wrote to standard error that is kept. */
const KEPT_CHARACTERS = 20_000

/** How a process ended. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A service of RiskLedger in a process of its own, which can be killed, held and started again with the same arguments. */
export class ServiceProcess {
  private child: ChildProcess | null = null
  private ended: Promise<Ended> = Promise.resolve({ code: 0, signal: null })
  /** What it wrote to standard error over all its lives, the last of it. */
  stderr = ''
  /** Objects that it printed over all its lives. */
  readonly printed: Record<string, unknown>[] = []
  private listeners: (() => void)[] = []

  constructor(
    readonly name: string,
    private readonly args: readonly string[],
  ) {}

  get isRunning(): boolean {
    return this.child !== null && this.child.exitCode === null && this.child.signalCode === null
  }

  /** Starts it; `ready` resolves with the object that it prints once it serves, and rejects if it ends before. */
  start(): { readonly ready: Promise<Record<string, unknown>> } {
    if (this.isRunning) throw new Error(`${this.name} runs already`)
    const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('RISKLEDGER_')))
    const child = spawn(process.execPath, [EXECUTABLE, '--json', ...this.args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...inherited, RISKLEDGER_DEBUG: '1' },
    })
    this.child = child
    child.stderr.on('data', (bytes: Buffer) => (this.stderr = `${this.stderr}${bytes.toString()}`.slice(-KEPT_CHARACTERS)))
    this.ended = once(child, 'close').then(([code, signal]) => ({ code: code as number | null, signal: signal as NodeJS.Signals | null }))
    const ready = new Promise<Record<string, unknown>>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const object = JSON.parse(line) as Record<string, unknown>
        this.printed.push(object)
        if ('service' in object) resolve(object)
        for (const tell of this.listeners.splice(0)) tell()
      })
      void this.ended.then(({ code, signal }) => {
        for (const tell of this.listeners.splice(0)) tell()
        reject(new Error(`${this.name} ended with ${String(code ?? signal)} before it served: ${this.stderr}`))
      })
    })
    ready.catch(() => undefined)
    return { ready }
  }

  /** Sends a signal: SIGSTOP and SIGCONT hold it and let it go on. */
  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal)
  }

  /** Ends it and resolves once it is gone: SIGKILL at once, SIGTERM after it has drained. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<Ended> {
    if (this.isRunning) this.signal(signal)
    return this.ended
  }

  /** Resolves once it is gone, for whatever reason. */
  whenEnded(): Promise<Ended> {
    return this.ended
  }

  /** Resolves once it has printed something, or ended. */
  whenTold(): Promise<void> {
    return new Promise((resolve) => this.listeners.push(resolve))
  }
}
