import { join } from 'node:path'
import type { main as sourceMain } from '../main'

/** What a command printed, and how it ended. */
export interface CommandRun {
  readonly code: number
  readonly out: string
  readonly err: string
}

type Write = typeof process.stdout.write

let loaded: Promise<typeof sourceMain> | undefined

/**
 * The executable as it is run, bundled once for each state of the sources. Run from its sources, every thread of every command would strip the types off
 * some hundred files: a second each.
 */
function loadMain(): Promise<typeof sourceMain> {
  loaded ??= (async () => {
    const bin = (await import(join(__dirname, '..', '..', 'bin', 'bundle.js'))) as {
      readonly bundle: (entries: object) => Promise<string>
      readonly EXECUTABLE: object
    }
    const bundled = (await import(join(await bin.bundle(bin.EXECUTABLE), 'riskledger.js'))) as { readonly main: typeof sourceMain }
    return bundled.main
  })()
  return loaded
}

/** Runs a command line in this process and catches what it prints. One at a time. */
export async function runCommand(...argv: readonly string[]): Promise<CommandRun> {
  const main = await loadMain()
  const printed = { out: '', err: '' }
  const originals = { out: process.stdout.write.bind(process.stdout), err: process.stderr.write.bind(process.stderr) }
  const collect =
    (into: 'out' | 'err'): Write =>
    (chunk: string | Uint8Array) => {
      printed[into] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8')
      return true
    }
  process.stdout.write = collect('out')
  process.stderr.write = collect('err')
  try {
    const code = await main(['node', 'riskledger', ...argv])
    return { code, ...printed }
  } finally {
    process.stdout.write = originals.out
    process.stderr.write = originals.err
  }
}

/** As `runCommand`, with `--json`: the one object that was printed. */
export async function runJson<T = Record<string, unknown>>(
  ...argv: readonly string[]
): Promise<{ readonly code: number; readonly value: T; readonly err: string }> {
  const { code, out, err } = await runCommand(...argv, '--json')
  return { code, value: JSON.parse(out) as T, err }
}
