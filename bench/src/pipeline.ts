import { spawn } from 'node:child_process'
import { createWriteStream, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createReadStream } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import { installationRoot } from '@riskledger/runtime'
import { failAfterPrinting } from './fail-after-printing'
import { peakRssMiBIn } from './peak-rss'
import { measureStages, type StageNanos } from './pipeline-stages'

/** The stages are measured as the product runs: bundled. */
export const runsBundled = true

const ROOT = installationRoot()
const EXECUTABLE = join(ROOT, 'services', 'cli', 'bin', 'riskledger.js')
const MAPPING = join(ROOT, 'examples', 'mappings', 'card-payments.yaml')
const DEFAULT_INPUT = join(ROOT, '..', 'shared', 'data', 'card-payments.csv.gz')
/** With which `replay` ends where it prints mismatches. */
const FAULT_FOUND = 3
/** Each account becomes so many, by turns. */
const SPLIT = 40

interface Ran {
  readonly result: Record<string, number>
  readonly seconds: number
  readonly peakRssMiB: number
}

/** The whole line on card payments, as a user runs it: screen, replay, verify; then each account split in 40; then where the time goes. Ends with 1 where replay finds mismatches, once all is printed. */
export async function run(options: { readonly input?: string; readonly json: boolean }): Promise<object> {
  const input = options.input ?? DEFAULT_INPUT
  if (!existsSync(input)) return { skipped: `${input} is not there` }
  const folder = mkdtempSync(join(tmpdir(), 'riskledger-bench-'))
  const tell = (line: string): void => void process.stderr.write(`${line}\n`)
  try {
    const base = join(folder, 'base')
    const screened = await riskledger(['screen', input, '--mapping', MAPPING, '--data-dir', base, '--json'])
    tell(`screened   ${JSON.stringify(screened.result)}`)
    const replayed = await riskledger(['replay', '--data-dir', base, '--json'], [0, FAULT_FOUND])
    const verified = await riskledger(['verify', '--data-dir', base, '--json'])
    rmSync(base, { recursive: true })
    const splitFile = join(folder, 'split.csv')
    await splitAccounts(input, splitFile)
    const split = await riskledger(['screen', splitFile, '--mapping', MAPPING, '--data-dir', join(folder, 'split'), '--json'])
    rmSync(join(folder, 'split'), { recursive: true })
    const nanos = await measureStages(input, MAPPING)
    const nanosSplit = await measureStages(splitFile, MAPPING)
    const figures = {
      screenInputsPerSecond: screened.result.inputsPerSecond,
      replayInputsPerSecond: replayed.result.inputsPerSecond,
      verifyInputsPerSecond: verified.result.inputsPerSecond,
      bytesPerAllowedInput: screened.result.bytesPerInput,
      folderBytesPerInput: Math.round(screened.result.folderBytes / screened.result.inputs),
      peakRssMiB: screened.peakRssMiB,
      growthRatio: ratio(screened.result.inputsPerSecond, split.result.inputsPerSecond),
      growthRatioWindowsAndDetectors: ratio(nanosSplit.windows + nanosSplit.detectors, nanos.windows + nanos.detectors),
      peakRssMiBSplit: split.peakRssMiB,
      mismatches: replayed.result.mismatches,
      nanosPerInput: nanos,
      nanosPerInputSplit: nanosSplit,
    }
    if (!options.json) print(figures)
    failAfterPrinting('pipeline', { [`replay found ${figures.mismatches} mismatches`]: figures.mismatches > 0 })
    return figures
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function print(figures: Record<string, number | StageNanos>): void {
  for (const [name, value] of Object.entries(figures))
    console.log(`${name.padEnd(32)} ${typeof value === 'number' ? value : JSON.stringify(value)}`)
}

function ratio(a: number, b: number): number {
  return Math.round((100 * a) / b) / 100
}

/** Runs the executable and reads the one object that it prints, and the most memory that it had. Throws where it ends with another code, or prints nothing. */
async function riskledger(args: readonly string[], codes: readonly number[] = [0]): Promise<Ran> {
  const report = `process.on('exit',()=>process.stderr.write('\\nPEAK '+process.resourceUsage().maxRSS+'\\n'));process.argv.splice(1,0,${JSON.stringify(EXECUTABLE)});require(${JSON.stringify(EXECUTABLE)})`
  const startedMs = performance.now()
  const child = spawn(process.execPath, ['-e', report, '--', ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  if (code === null || !codes.includes(code) || out === '')
    throw new Error(`riskledger ${args[0]} ended with ${code} and printed ${out.length} characters: ${errors}`)
  return {
    result: JSON.parse(out) as Record<string, number>,
    seconds: (performance.now() - startedMs) / 1000,
    peakRssMiB: peakRssMiBIn(errors),
  }
}

/** Writes the file again with customer `c` of row `n` as `c * 40 + n % 40`. */
async function splitAccounts(input: string, target: string): Promise<void> {
  const source = createReadStream(input)
  const lines = createInterface({ input: input.endsWith('.gz') ? source.pipe(createGunzip()) : source })
  const out = createWriteStream(target)
  let row = -1
  let block: string[] = []
  const flush = async (): Promise<void> => {
    if (!out.write(block.join(''))) await new Promise<void>((resolve) => out.once('drain', () => resolve()))
    block = []
  }
  for await (const line of lines) {
    if (row >= 0) {
      const columns = line.split(',')
      columns[2] = String(Number(columns[2]) * SPLIT + (row % SPLIT))
      block.push(`${columns.join(',')}\n`)
    } else block.push(`${line}\n`)
    row++
    if (block.length === 10_000) await flush()
  }
  await flush()
  await new Promise<void>((resolve) => out.end(() => resolve()))
}
