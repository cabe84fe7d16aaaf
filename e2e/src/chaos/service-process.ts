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
    readonly args: readonly string[],
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

  /** Kills it as a crash would; throws where it did not run any more, so that nobody takes a fault for one that bit. */
  async kill(): Promise<void> {
    if (!this.isRunning) throw new Error(`${this.name} was to be killed and did not run: ${this.stderr.slice(-2_000)}`)
    const { code, signal } = await this.end('SIGKILL')
    if (signal !== 'SIGKILL') throw new Error(`${this.name} ended with ${String(code ?? signal)} before it was killed`)
  }

  /** Resolves once it is gone, for whatever reason. */
  whenEnded(): Promise<Ended> {
    return this.ended
  }

  /** Partitions that its group gave it, as it told last. */
  get assigned(): readonly number[] {
    const told = this.printed.findLast((object) => 'assigned' in object)
    return (told?.assigned ?? []) as readonly number[]
  }

  /** Resolves once what it has printed over all its lives is as `isSo` says; rejects where it ends before, or `timeoutMs` pass. */
  async until(isSo: (process: this) => boolean, { timeoutMs, what }: { readonly timeoutMs: number; readonly what: string }): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs
    while (!isSo(this)) {
      if (!this.isRunning) throw new Error(`${this.name} ended before ${what}: ${this.stderr.slice(-2_000)}`)
      if (performance.now() > deadlineMs) throw new Error(`${this.name}: not ${what} after ${timeoutMs} ms`)
      await this.whenTold(Math.min(timeoutMs, 500))
    }
  }

  /** Resolves once it has printed something, or ended, or after so long. */
  private whenTold(mostMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, mostMs)
      this.listeners.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }
}
