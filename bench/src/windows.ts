import { strict as assert } from 'node:assert'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { installationRoot } from '@riskledger/runtime'
import { aggregateWindows, MAX_BATCH, slidingWindow, type WindowBatch } from '@riskledger/windows'
import { connect, from, map, merge, type Observable } from 'rxjs'
import { failAfterPrinting } from './fail-after-printing'
import { GOLDEN } from './golden-answers'

/** Run from a bundle, as the product is. */
export const runsBundled = true

const DAY_MS = 86_400_000
const PASSES = 6
const ROUNDS = 3
const FIGURES = 6
/** As many keys as the data has, roughly; the bare loop is told, too. */
const CUSTOMERS = 5_000
const TERMINALS = 10_000

interface Payment {
  readonly customerId: string
  readonly terminalId: string
  readonly atMs: number
  readonly amountMinor: number
  readonly fraud: number
}

/** Payments as a user would hold them: objects with their own string keys, in batches; and their numbers, for the checksums. */
function readPayments(path: string): { readonly batches: readonly (readonly Payment[])[]; readonly txIds: readonly number[] } {
  const raw = readFileSync(path)
  const text = (path.endsWith('.gz') ? gunzipSync(raw) : raw).toString('latin1')
  const batches: Payment[][] = []
  const txIds: number[] = []
  let batch: Payment[] = []
  let at = text.indexOf('\n') + 1
  while (at < text.length) {
    const end = text.indexOf('\n', at)
    const [txId, datetime, customer, terminal, amount, fraud] = text.slice(at, end).split(',')
    at = end + 1
    txIds.push(Number(txId))
    batch.push({
      // Copies: a slice would keep the whole file's text alive and make each look-up walk through it.
      customerId: Buffer.from(customer).toString('latin1'),
      terminalId: Buffer.from(terminal).toString('latin1'),
      atMs: Date.parse(datetime.replace(' ', 'T') + 'Z'),
      amountMinor: Number(amount.replace('.', '')),
      fraud: Number(fraud),
    })
    if (batch.length === MAX_BATCH) {
      batches.push(batch)
      batch = []
    }
  }
  if (batch.length > 0) batches.push(batch)
  return { batches, txIds }
}

const widths = [DAY_MS, 7 * DAY_MS, 30 * DAY_MS]

type Room = (length: number) => Float64Array

/** Hands out an array piece by piece. */
function pieces(whole: Float64Array): Room {
  let at = 0
  return (length) => whole.subarray(at, (at += length))
}

/** Both sets of windows over one pass of the batches, each through its own public operator. */
function answers(
  payments$: Observable<readonly Payment[]>,
  figures: { readonly customer: Room; readonly terminal: Room },
): Observable<readonly ['customer' | 'terminal', WindowBatch]> {
  const customer = aggregateWindows<Payment>({
    windows: widths.map((sizeMs) => slidingWindow({ sizeMs })),
    watermark: { maxOutOfOrdernessMs: 60_000 },
    expectedKeys: CUSTOMERS,
    key: (payment) => payment.customerId,
    timeMs: (payment) => payment.atMs,
    value: (payment) => payment.amountMinor,
    figures: figures.customer,
  })
  const terminal = aggregateWindows<Payment>({
    windows: widths.map((sizeMs) => slidingWindow({ sizeMs, delayMs: 7 * DAY_MS })),
    watermark: { maxOutOfOrdernessMs: 60_000 },
    expectedKeys: TERMINALS,
    key: (payment) => payment.terminalId,
    timeMs: (payment) => payment.atMs,
    value: (payment) => payment.fraud,
    figures: figures.terminal,
  })
  return payments$.pipe(
    connect((shared$) =>
      merge(
        shared$.pipe(
          customer,
          map((batch) => ['customer', batch] as const),
        ),
        shared$.pipe(
          terminal,
          map((batch) => ['terminal', batch] as const),
        ),
      ),
    ),
  )
}

function checksum(txIds: readonly number[], figures: Float64Array): string {
  const hash = createHash('sha256')
  for (let from = 0; from < txIds.length; from += MAX_BATCH) {
    const lines = txIds.slice(from, from + MAX_BATCH).map((txId, index) => {
      const o = (from + index) * FIGURES
      return `${txId},${figures.subarray(o, o + FIGURES).join(',')}\n`
    })
    hash.update(lines.join(''))
  }
  return hash.digest('hex')
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Payments a second of each pass of the bare loop but its first, cold one. Empty where the loop is not present. */
function bareLoop(input: string, script: string): readonly number[] {
  if (!existsSync(script)) return []
  const output = execFileSync(process.execPath, [script, input, '--passes', String(PASSES)], { encoding: 'utf8', maxBuffer: 1 << 24 })
  const results = output
    .split('\n')
    .flatMap((line) => (line.startsWith('RESULT ') ? [JSON.parse(line.slice(7)) as { rows_per_s: number }] : []))
  return results.slice(1).map((result) => result.rows_per_s)
}

/**
 * Exact windows of 1, 7 and 30 days over the evaluation payments through the public operator, beside a bare loop over typed arrays with
 * integer keys that does the same sums. Parsing is in neither figure. The two take turns, because the machine's speed drifts; warm medians.
 * Result: `{ customerSha256, terminalSha256, golden, eventsPerSecond, bareLoopEventsPerSecond, ratio }`, or `{ skipped }` without the data.
 * Where the checksums are not the known ones (`golden` false; null for other data), the process ends with 1 once the result is printed.
 */
export function run(options: { readonly input?: string; readonly json: boolean }): Promise<object> {
  const shared = resolve(installationRoot(), '../shared')
  const input = options.input ?? resolve(shared, 'data/card-payments.csv.gz')
  if (!existsSync(input)) {
    const result = { skipped: `${input} not present` }
    if (!options.json) process.stdout.write(`skipped: ${result.skipped}\n`)
    return Promise.resolve(result)
  }
  const script = resolve(shared, 'peers/node/fdh12.js')
  const { batches, txIds } = readPayments(input)
  const rows = txIds.length
  const figures = { customer: new Float64Array(rows * FIGURES).fill(1), terminal: new Float64Array(rows * FIGURES).fill(1) }
  const onePass = (): number => {
    let seen = 0
    const began = process.hrtime.bigint()
    answers(from(batches), { customer: pieces(figures.customer), terminal: pieces(figures.terminal) }).subscribe(([, batch]) => {
      seen += batch.size
    })
    const seconds = Number(process.hrtime.bigint() - began) / 1e9
    assert(seen === 2 * rows, `${seen} rows of figures; ${2 * rows} were due`)
    return rows / seconds
  }
  const bare: number[] = []
  const own: number[] = []
  onePass()
  for (let round = 0; round < ROUNDS; round++) {
    bare.push(...bareLoop(input, script))
    for (let pass = 1; pass < PASSES; pass++) own.push(onePass())
  }
  const customerSha256 = checksum(txIds, figures.customer)
  const terminalSha256 = checksum(txIds, figures.terminal)
  const eventsPerSecond = Math.round(median(own))
  const bareLoopEventsPerSecond = bare.length > 0 ? Math.round(median(bare)) : null
  const ratio = bareLoopEventsPerSecond === null ? null : Math.round((eventsPerSecond / bareLoopEventsPerSecond) * 1000) / 1000
  const golden = rows === GOLDEN.rows ? customerSha256 === GOLDEN.customer && terminalSha256 === GOLDEN.terminal : null
  const result = { customerSha256, terminalSha256, golden, eventsPerSecond, bareLoopEventsPerSecond, ratio }
  if (!options.json) for (const [name, value] of Object.entries(result)) process.stdout.write(`${name.padEnd(26)}${String(value)}\n`)
  failAfterPrinting('windows', { 'the checksums of the answers are not the known ones': golden === false })
  return Promise.resolve(result)
}
