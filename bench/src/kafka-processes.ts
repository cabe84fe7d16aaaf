import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { installationRoot } from '@riskledger/runtime'
import type { LoadOrder, LoadReport } from './kafka-load'

const TICKS_PER_SECOND = 100

/** A service that the bench runs as its users do: as a process. */
export interface BenchService {
  /** What it printed when it served. */
  readonly told: Readonly<Record<string, string>>
  readonly pid: number
  /** CPU seconds so far, user and system, all threads. */
  cpuSeconds(): number
  /** Resident memory in MiB. */
  rssMiB(): number
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  signal(signal: NodeJS.Signals): void
}

/** A load that is being published. */
export interface Load {
  readonly done: Promise<LoadReport>
}

/** The services and loads that a bench started, so that none stays once it is over, however it ends. */
export class BenchProcesses {
  private readonly running = new Map<ChildProcess, Promise<unknown>>()

  /** Starts `riskledger <args>` and resolves once it serves; rejects with what it said if it ends before. */
  async startService(args: readonly string[]): Promise<BenchService> {
    const executable = join(installationRoot(), 'services/cli/bin/riskledger.js')
    const child = spawn(process.execPath, [executable, '--json', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    const ended = this.keep(child)
    const stderr: string[] = []
    child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes.toString()))
    const told = await new Promise<Record<string, string>>((resolve, reject) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const object = JSON.parse(line) as Record<string, string>
        if ('service' in object) resolve(object)
      })
      void ended.then(() => reject(new Error(`riskledger ${args[0]} ended: ${stderr.join('')}`)))
    })
    const pid = child.pid!
    return {
      told,
      pid,
      cpuSeconds: () => cpuSecondsOf(pid),
      rssMiB: () => rssMiBOf(pid),
      signal: (signal) => void child.kill(signal),
      end: async (signal) => {
        if (this.running.has(child)) child.kill(signal)
        await ended
      },
    }
  }

  /** Starts the load process; `script` is the module that stands beside the bench. */
  startLoad(order: LoadOrder, script: string): Load {
    const child = spawn(process.execPath, [script, JSON.stringify(order)], { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()))
    const done = this.keep(child).then(([code, signal]) => {
      if (code !== 0) throw new Error(`the load ended with ${String(code ?? signal)}`)
      return JSON.parse(output) as LoadReport
    })
    done.catch(() => undefined)
    return { done }
  }

  /** Kills what still runs, and resolves once all of it has ended. */
  async endAll(): Promise<void> {
    for (const child of this.running.keys()) child.kill('SIGKILL')
    await Promise.all(this.running.values())
  }

  /** Resolves to exit code and signal once the process has ended and all that it said is read. */
  private keep(child: ChildProcess): Promise<unknown[]> {
    const ended = once(child, 'close').finally(() => this.running.delete(child))
    this.running.set(child, ended)
    return ended
  }
}

function cpuSecondsOf(pid: number): number {
  // After the name, which may hold anything, in parentheses: fields 3 and on; user and system time are 14 and 15.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

function rssMiBOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024
}
