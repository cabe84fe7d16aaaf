import { createHash, randomBytes } from 'node:crypto'
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { ExpectedRevision, Ledger, ProposedEntry } from '@riskledger/contracts'
import { connectLedger } from '@riskledger/ledger'
import type { LedgerWorkerData } from './ledger-worker'

/** One line of the result: rates in events per second, `ratio` the embedded server's part of the bare one's. */
export interface LedgerBenchLine {
  readonly size: number
  readonly inFlight: number
  readonly eventsPerSecond: number
  readonly bareEventsPerSecond: number
  readonly ratio: number
}

/** What `npm run bench -- ledger --json` prints. */
export interface LedgerBenchResult {
  /** Median of a 4 KiB write followed by fdatasync, in milliseconds. */
  readonly flushMillis: number
  readonly batches: readonly LedgerBenchLine[]
}

const EVENT_BYTES = 256
const ROUNDS = 5
const ROUND_MS = 400
const SHAPES = [
  { size: 1, inFlight: 1 },
  { size: 1, inFlight: 8 },
  { size: 100, inFlight: 1 },
  { size: 100, inFlight: 8 },
  { size: 2000, inFlight: 1 },
  { size: 2000, inFlight: 8 },
]

/**
 * Events per second through the embedded server (durable) beside a server that speaks the same protocol and only acknowledges
 * (nothing kept), each in a thread of its own, through the same client. Binary events of 256 bytes; every shape alternates between
 * the two in rounds, and the median round counts.
 */
export async function run(options: { readonly input?: string; readonly json: boolean }): Promise<LedgerBenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'riskledger-bench-'))
  const flushMillis = measureFlush(join(folder, 'flush'))
  const embedded = await startWorker({ kind: 'embedded', folder: join(folder, 'store') })
  const bare = await startWorker({ kind: 'bare', folder })
  try {
    const batches: LedgerBenchLine[] = []
    for (const shape of SHAPES) {
      const line = await compare(embedded.ledger, bare.ledger, shape)
      batches.push(line)
      if (!options.json) print(line, batches.length === 1 ? flushMillis : undefined)
    }
    return { flushMillis, batches }
  } finally {
    for (const { ledger, worker } of [embedded, bare]) {
      await ledger.close()
      await worker.terminate()
    }
    rmSync(folder, { recursive: true, force: true })
  }
}

function print(line: LedgerBenchLine, flushMillis: number | undefined): void {
  if (flushMillis !== undefined) {
    console.log(`flush of 4 KiB: ${flushMillis.toFixed(2)} ms; events of ${EVENT_BYTES} B`)
    console.log('batch  in flight   embedded/s       bare/s  ratio')
  }
  const cells = [
    String(line.size).padStart(5),
    String(line.inFlight).padStart(10),
    String(line.eventsPerSecond).padStart(12),
    String(line.bareEventsPerSecond).padStart(12),
    line.ratio.toFixed(2).padStart(6),
  ]
  console.log(cells.join(' '))
}

async function startWorker(workerData: LedgerWorkerData): Promise<{ worker: Worker; ledger: Ledger }> {
  // A worker does not inherit the loader that lets this file be TypeScript.
  const entry = `require('tsx/cjs'); require(${JSON.stringify(join(__dirname, 'ledger-worker.ts'))})`
  const worker = new Worker(entry, { eval: true, workerData })
  const connectionString = await new Promise<string>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  return { worker, ledger: await connectLedger({ connectionString }) }
}

async function compare(embedded: Ledger, bare: Ledger, shape: { size: number; inFlight: number }): Promise<LedgerBenchLine> {
  const rates = { embedded: [] as number[], bare: [] as number[] }
  await rate(embedded, shape)
  await rate(bare, shape)
  for (let round = 0; round < ROUNDS; round++) {
    // Alternate which goes first: what the machine does beside us then falls on both alike.
    const order = round % 2 === 0 ? (['embedded', 'bare'] as const) : (['bare', 'embedded'] as const)
    for (const name of order) rates[name].push(await rate(name === 'embedded' ? embedded : bare, shape))
  }
  const eventsPerSecond = Math.round(median(rates.embedded))
  const bareEventsPerSecond = Math.round(median(rates.bare))
  return { ...shape, eventsPerSecond, bareEventsPerSecond, ratio: Math.round((eventsPerSecond / bareEventsPerSecond) * 1000) / 1000 }
}

let streams = 0

/** Events per second over one round: `inFlight` writers, each with a stream of its own and one append under way. */
async function rate(ledger: Ledger, { size, inFlight }: { size: number; inFlight: number }): Promise<number> {
  const startedAt = performance.now()
  const endsAt = startedAt + ROUND_MS
  let events = 0
  const write = async (): Promise<void> => {
    const stream = `bench-${++streams}`
    let expected: ExpectedRevision = 'no-stream'
    while (performance.now() < endsAt) {
      expected = await ledger.append(stream, expected, proposedEntries(size))
      events += size
    }
  }
  await Promise.all(Array.from({ length: inFlight }, write))
  return (events * 1000) / (performance.now() - startedAt)
}

const DATA = new Uint8Array(randomBytes(EVENT_BYTES))
const METADATA = new Uint8Array(0)
const ID_PREFIX = createHash('sha256').update(DATA).digest('hex')
let ids = 0

function proposedEntries(size: number): ProposedEntry[] {
  const entries: ProposedEntry[] = []
  for (let i = 0; i < size; i++) {
    const id = `${ID_PREFIX.slice(0, 8)}-${ID_PREFIX.slice(8, 12)}-4000-8000-${(++ids).toString(16).padStart(12, '0')}`
    entries.push({ id, type: 'Measured', contentType: 'binary', data: DATA, metadata: METADATA })
  }
  return entries
}

function measureFlush(path: string): number {
  const file = openSync(path, 'w')
  const page = Buffer.alloc(4096, 1)
  const times: number[] = []
  try {
    for (let i = 0; i < 50; i++) {
      const startedAt = performance.now()
      writeSync(file, page)
      fdatasyncSync(file)
      times.push(performance.now() - startedAt)
    }
  } finally {
    closeSync(file)
  }
  return Math.round(median(times) * 100) / 100
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}
