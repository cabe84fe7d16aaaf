import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { join } from 'node:path'
import { installationRoot } from '@riskledger/runtime'

/** How a command ended. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A `riskledger` that runs as a process of its own. */
export class Command {
  /** Resolves once it is gone. */
  readonly ended: Promise<Ended>
  private readonly child: ChildProcessWithoutNullStreams
  private stdout = ''
  private stderr = ''
  private watching: (() => void)[] = []

  constructor(args: readonly string[], options: { readonly cwd?: string } = {}) {
    this.child = spawn(process.execPath, [join(installationRoot(), 'services', 'cli', 'bin', 'riskledger.js'), ...args], {
      cwd: options.cwd,
      env: { ...process.env, RISKLEDGER_DATA_DIR: '' },
    })
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => this.heard(() => (this.stdout += text)))
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => this.heard(() => (this.stderr += text)))
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', reject)
      this.child.on('close', (code, signal) => {
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr })
        this.heard(() => undefined)
      })
    })
  }

  /** Resolves to the match once the standard output has one; rejects with all that was said if the command ends before. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stdout)
      if (match !== null) return match
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        const { code, stdout, stderr } = await this.ended
        throw new Error(`it ended with ${code} before it said ${pattern.source}:\n${stdout}\n${stderr}`)
      }
      await new Promise<void>((resolve) => this.watching.push(resolve))
    }
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name)
  }

  /** Ends it by force, where a test failed before it did. */
  async dispose(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL')
    await this.ended
  }

  private heard(take: () => void): void {
    take()
    const watching = this.watching
    this.watching = []
    for (const resolve of watching) resolve()
  }
}
