import { strict as assert } from 'node:assert'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { Subject } from 'rxjs'
import type { Ledger, LogRecord, ProposedRecord, RawTopic } from '@riskledger/contracts'
import { AvroReader, AvroWriter, emptyHead, readEntry, sealEntry, ZERO_HASH, type SealedEntry } from '@riskledger/journal'
import { createTopics, openKafkaLog, topicSpecifications, type KafkaConnection } from '@riskledger/kafka'
import { startLoop } from '@riskledger/runtime'
import { aggregateWindows, MAX_BATCH, slidingWindow, type WindowBatch } from '@riskledger/windows'
import { cpuNanos } from './cpu-nanos'
import { GOLDEN } from './golden-answers'

const DAY_MS = 86_400_000
const WIDTHS_MS = [DAY_MS, 7 * DAY_MS, 30 * DAY_MS]
const FIGURES = 6
const NO_METRICS = { count: () => undefined, gauge: () => undefined, duration: () => undefined }
const NO_LOGGER = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/** The two topics, in the names that the log knows: what lies on them is the benchmark's own. */
const SIDES = [
  { name: 'customer', topic: 'payments', delayMs: 0, keys: 5_000 },
  { name: 'terminal', topic: 'p2p-trades', delayMs: 7 * DAY_MS, keys: 10_000 },
] as const
type Side = (typeof SIDES)[number]

/** What came of the peers' work. */
export interface PeersWork {
  readonly paymentsPerSecond: number
  /** Payments per second of CPU of everything but the broker: reader, windows, ledger client and ledger server. */
  readonly perCoreSecond: number
  /** Whether the answers are the known ones; null where none are known: of split keys, of other payments. */
  readonly goldenMatch: boolean | null
}

/** What it is done on. */
export interface PeersWorkOptions {
  readonly connection: KafkaConnection
  readonly ledger: Ledger
  /** The evaluation payments, CSV, plain or gz. */
  readonly input: string
  /** Each key is made this many: 40 makes 200,000 customers and 400,000 terminals. */
  readonly split: number
}

/**
 * Two topics of the same payments, one keyed by customer, one by terminal with its labels, each of one partition and in file order. From them, through the
 * product's reader, its public window operator and its ledger client: counts and sums of 1, 7 and 30 days for each payment, in hash-chained entries of at
 * most 4,096 payments, durable before the next one is sent. Timed from the first fetch to the last acknowledgement; the topics are filled before, and the
 * answers are read back from the ledger and checked afterwards.
 */
export async function peersWork({ connection, ledger, input, split }: PeersWorkOptions): Promise<PeersWork> {
  const rows = await fill(connection, { input, split })
  const began = process.hrtime.bigint()
  const cpu = await cpuNanos(() => Promise.all(SIDES.map((side) => screenSide(side, { connection, ledger, rows, split }))))
  const seconds = Number(process.hrtime.bigint() - began) / 1e9
  const isKnown = split === 1 && rows === GOLDEN.rows
  const checks = isKnown ? await Promise.all(SIDES.map(async (side) => (await checksum(ledger, side)) === GOLDEN[side.name])) : null
  return {
    paymentsPerSecond: Math.round(rows / seconds),
    perCoreSecond: Math.round(rows / (cpu / 1e9)),
    goldenMatch: checks === null ? null : checks.every((matches) => matches),
  }
}

/** Fills both topics and returns the number of payments. */
async function fill(connection: KafkaConnection, { input, split }: { readonly input: string; readonly split: number }): Promise<number> {
  const topics = SIDES.map(({ topic }) => topic)
  const names = new Set(topics.map((topic) => `${connection.prefix}raw.${topic}`))
  const specifications = topicSpecifications({ prefix: connection.prefix, partitionCount: 1, replicationFactor: 1 })
  await createTopics({ connection, specifications: specifications.filter(({ topic }) => names.has(topic)) })
  const log = await openKafkaLog({ connection, partitionCount: 1, topics })
  try {
    const raw = readFileSync(input)
    const text = (input.endsWith('.gz') ? gunzipSync(raw) : raw).toString('latin1')
    let rows = 0
    let waiting: ProposedRecord[] = []
    for (let at = text.indexOf('\n') + 1; at < text.length;) {
      const end = text.indexOf('\n', at)
      const [txId, datetime, customer, terminal, amount, fraud] = text.slice(at, end).split(',')
      at = end + 1
      rows++
      const payment = {
        txId: Number(txId),
        atMs: Date.parse(`${datetime.replace(' ', 'T')}Z`),
        amountMinor: Number(amount.replace('.', '')),
      }
      const copy = payment.txId % split
      waiting.push(
        record('payments', split === 1 ? customer : String(Number(customer) * split + copy), { ...payment, value: payment.amountMinor }),
        record('p2p-trades', split === 1 ? terminal : String(Number(terminal) * split + copy), { ...payment, value: Number(fraud) }),
      )
      if (waiting.length >= 2_000) {
        await log.append(waiting)
        waiting = []
      }
    }
    await log.append(waiting)
    return rows
  } finally {
    await log.close()
  }
}

/** 16 bytes: number, time in milliseconds, value. */
function record(
  topic: RawTopic,
  key: string,
  { txId, atMs, value }: { readonly txId: number; readonly atMs: number; readonly value: number },
): ProposedRecord {
  const bytes = Buffer.allocUnsafe(16)
  bytes.writeUInt32LE(txId, 0)
  bytes.writeDoubleLE(atMs, 4)
  bytes.writeUInt32LE(value, 12)
  return { topic, partition: 0, brokerTimeMs: Date.now(), orderTimeMs: undefined, key: Buffer.from(key), value: bytes }
}

/** A record with its fields at hand. */
interface Payment {
  readonly key: string
  readonly txId: number
  readonly atMs: number
  readonly value: number
}

function decode({ key, value }: LogRecord): Payment {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
  return {
    key: Buffer.from(key!.buffer, key!.byteOffset, key!.length).toString('latin1'),
    txId: bytes.readUInt32LE(0),
    atMs: bytes.readDoubleLE(4),
    value: bytes.readUInt32LE(12),
  }
}

/** Reads one topic to its end, and appends the windows of each batch. */
async function screenSide(
  side: Side,
  { connection, ledger, rows, split }: Pick<PeersWorkOptions, 'connection' | 'ledger' | 'split'> & { readonly rows: number },
): Promise<void> {
  const log = await openKafkaLog({ connection, partitionCount: 1, topics: [side.topic] })
  const windows$ = new Subject<readonly Payment[]>()
  let windows: WindowBatch | undefined
  windows$
    .pipe(
      aggregateWindows<Payment>({
        windows: WIDTHS_MS.map((sizeMs) => slidingWindow({ sizeMs, delayMs: side.delayMs })),
        watermark: { maxOutOfOrdernessMs: 60_000 },
        expectedKeys: side.keys * split,
        key: (payment) => payment.key,
        timeMs: (payment) => payment.atMs,
        value: (payment) => payment.value,
      }),
    )
    .subscribe((batch) => (windows = batch))
  let head = emptyHead(streamOf(side, split))
  let nextOffset = 0
  const loop = startLoop<readonly Payment[], SealedEntry>({
    name: side.name,
    pull: async () => {
      while (nextOffset < rows) {
        const response = await log.fetch({
          topic: side.topic,
          partition: 0,
          fromOffset: nextOffset,
          maxRecords: MAX_BATCH,
          maxBytes: 1024 * 1024,
        })
        nextOffset = response.nextOffset
        if (response.records.length > 0) return response.records.map(decode)
      }
      return undefined
    },
    step: (payments) => {
      windows$.next(payments)
      const data = encodeAnswers(payments, windows!)
      const sealed = sealEntry(head, {
        type: 'WindowsAnswered',
        contentType: 'binary',
        data,
        metadata: { engineHash: ZERO_HASH, policyHash: ZERO_HASH },
      })
      head = sealed.head
      return sealed
    },
    commit: async ({ head: { revision }, proposed }) => {
      await ledger.append(streamOf(side, split), revision === 0 ? 'no-stream' : revision - 1, [proposed])
    },
    logger: NO_LOGGER,
    metrics: NO_METRICS,
    prefetch: () => true,
  })
  try {
    await loop.done
    assert(nextOffset === rows, `${nextOffset} payments were read; ${rows} were due`)
  } finally {
    await log.close()
  }
}

function streamOf({ name }: Side, split: number): string {
  return `peers-${name}-${split}`
}

/** For each payment its number and six figures, as Avro longs. */
function encodeAnswers(payments: readonly Payment[], { sliding }: WindowBatch): Uint8Array {
  const writer = new AvroWriter(payments.length * 24)
  for (let row = 0; row < payments.length; row++) {
    writer.long(payments[row].txId)
    for (let figure = 0; figure < FIGURES; figure++) writer.long(sliding[row * FIGURES + figure])
  }
  return writer.take()
}

/** Reads the answers back from the ledger and makes the checksum that is known. */
async function checksum(ledger: Ledger, side: Side): Promise<string> {
  const hash = createHash('sha256')
  for await (const entry of ledger.readStream(streamOf(side, 1), { from: 'start', direction: 'forwards' })) {
    const reader = new AvroReader(readEntry(entry).data)
    let lines = ''
    while (!reader.atEnd) {
      const numbers = Array.from({ length: FIGURES + 1 }, () => reader.long())
      lines += `${numbers.join(',')}\n`
    }
    hash.update(lines)
  }
  return hash.digest('hex')
}
