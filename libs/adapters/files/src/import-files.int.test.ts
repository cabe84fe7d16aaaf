import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { RiskError } from '@riskledger/contracts'
import { decodeRaw } from '@riskledger/events'
import type { Rejection } from './emission'
import { importFiles, type ImportOptions } from './import-files'
import { parseMapping, type Mapping } from './mapping'
import { MemoryLog } from './testing/memory-log'

const STARTED_AT_MS = Date.UTC(2026, 0, 1)
const DAY_MS = 86_400_000
let folder: string
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'riskledger-files-'))))
afterAll(() => rmSync(folder, { recursive: true }))

let names = 0
function fileOf(content: string | Buffer, name = `f${++names}.ndjson`): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

function eventLine(n: number, atMs: number, extra: Record<string, unknown> = {}): string {
  return JSON.stringify({ topic: 'payments', event: { ...payment(n, atMs), ...extra } })
}

function payment(n: number, atMs: number): Record<string, unknown> {
  return {
    eventId: `00000000-0000-4000-8000-${String(n + 1).padStart(12, '0')}`,
    accountId: `a-${n % 7}`,
    eventTimeMs: atMs,
    source: 'test',
    paymentId: `p-${n}`,
    kind: 'purchase',
    phase: 'authorised',
    direction: 'debit',
    amountMinor: 100 + n,
    currency: 'USD',
    amountReferenceMinor: 100 + n,
    counterpartyId: 'm-1',
    counterpartyKind: 'merchant',
    method: 'card',
    payerNameMatch: 'unknown',
  }
}

function cardMapping(): Mapping {
  const parsed = parseMapping(readFileSync(join(__dirname, '../../../../examples/mappings/card-payments.yaml'), 'utf8'))
  if (parsed.kind === 'rejected') throw new Error(JSON.stringify(parsed.problems))
  return parsed.mapping
}

const HEADER = 'tx_id,datetime,customer_id,terminal_id,amount,fraud\n'

async function run(options: Omit<ImportOptions, 'log' | 'startedAtMs'>, log = new MemoryLog()) {
  const rejections: Rejection[] = []
  const summary = await importFiles({ log, startedAtMs: STARTED_AT_MS, onRejected: (rejection) => rejections.push(rejection), ...options })
  return { log, summary, rejections }
}

async function failure(options: Omit<ImportOptions, 'log' | 'startedAtMs'>, log = new MemoryLog()): Promise<RiskError> {
  const error: unknown = await importFiles({ log, startedAtMs: STARTED_AT_MS, ...options }).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(RiskError)
  return error as RiskError
}

function payments(log: MemoryLog) {
  return log.records.map((record) => {
    if (record.topic === 'unparsable') return Buffer.from(record.value).toString()
    const decoded = decodeRaw(record.topic, record.value)
    if (decoded.kind === 'rejected') throw new Error(decoded.detail)
    return decoded.event
  })
}

describe('NDJSON', () => {
  const lines = Array.from({ length: 50 }, (_, n) => eventLine(n, 1_000_000 + n * 1000))

  test('each line is one record, keyed and placed by its account', async () => {
    const { log, summary } = await run({ files: [fileOf(lines.join('\n') + '\n')] }, new MemoryLog(4))
    expect(summary).toMatchObject({ kind: 'imported', emissions: 50, rejected: 0, resumedFrom: 0 })
    expect(payments(log).map((event) => (event as { paymentId: string }).paymentId)).toEqual(lines.map((_, n) => `p-${n}`))
    expect(new Set(log.records.map((record) => record.partition)).size).toBeGreaterThan(1)
    expect(Buffer.from(log.records[3].key ?? []).toString()).toBe('a-3')
  })

  test.each([
    ['a byte order mark', `\ufeff${lines.join('\n')}\n`],
    ['CRLF', lines.join('\r\n') + '\r\n'],
    ['no last line feed', lines.join('\n')],
    ['blank lines', `\n${lines.join('\n\n')}\n\n`],
    ['gzip', gzipSync(lines.join('\n'))],
    ['gzip in two members', Buffer.concat([gzipSync(lines.slice(0, 9).join('\n') + '\n'), gzipSync(lines.slice(9).join('\n'))])],
  ])('%s changes nothing', async (_name, content) => {
    const plain = await run({ files: [fileOf(lines.join('\n') + '\n')] })
    const other = await run({ files: [fileOf(content)] })
    expect(other.log.content()).toEqual(plain.log.content())
    expect(other.rejections).toEqual([])
  })

  test('what is no event goes byte for byte to unparsable, with file, line and reason', async () => {
    const bad = ['{"topic":"payments"', eventLine(1, 5, { amountMinor: -500 }), '{"topic":"payment","event":{}}', 'caf\u00e9;1']
    const path = fileOf([lines[0], ...bad, lines[1]].join('\n'))
    const { log, rejections, summary } = await run({ files: [path] })
    expect(summary).toMatchObject({ emissions: 6, rejected: 4 })
    expect(rejections.map(({ file, line }) => `${file}:${line}`)).toEqual([2, 3, 4, 5].map((line) => `${path}:${line}`))
    expect(rejections[1].message).toContain("amountMinor is -500; a payment's amount is 0 or more")
    const unparsable = log.records.filter((record) => record.topic === 'unparsable')
    expect(unparsable.map((record) => Buffer.from(record.value).toString())).toEqual(bad)
    expect(unparsable.every((record) => record.key === null && record.partition === 0 && record.brokerTimeMs === 1_000_000)).toBe(true)
  })

  test('invalid UTF-8 and a half-written last line are rejected alone', async () => {
    const content = Buffer.concat([
      Buffer.from(lines[0] + '\n'),
      Buffer.from([0x7b, 0xff, 0x0a]),
      Buffer.from(lines[1] + '\n' + lines[2].slice(0, 80)),
    ])
    const { log, rejections } = await run({ files: [fileOf(content)] })
    expect(log.records.map((record) => record.topic)).toEqual(['payments', 'unparsable', 'payments', 'unparsable'])
    expect(rejections[0].message).toContain('UTF-8')
    expect(rejections[1].message).toContain('cut off')
  })

  test('of a line beyond 1 MiB the first 64 KiB, its length and hash are kept, and what follows is read', async () => {
    const long = 'x'.repeat(3_000_000)
    const { log, rejections } = await run({ files: [fileOf(`${lines[0]}\n${long}\n${lines[1]}\n`)] })
    expect(log.records.map((record) => record.topic)).toEqual(['payments', 'unparsable', 'payments'])
    const kept = Buffer.from(log.records[1].value).toString()
    expect(kept.startsWith('x'.repeat(65_536) + '\n[cut here: the line has 3000000 bytes, SHA-256 ')).toBe(true)
    expect(kept.length).toBeLessThan(66_000)
    expect(rejections[0].line).toBe(2)
  })

  test('strict stops at the first, after everything before it is in', async () => {
    const path = fileOf([lines[0], lines[1], 'oops', lines[2]].join('\n'))
    const log = new MemoryLog()
    const error = await failure({ files: [path], strict: true }, log)
    expect(error.code).toBe('input-rejected')
    expect(error.message).toContain(`${path}:3: the line is not JSON`)
    expect(log.records).toHaveLength(2)
    const { summary } = await run({ files: [path] }, log)
    expect(summary).toMatchObject({ emissions: 4, resumedFrom: 2, rejected: 1 })
    expect(log.records).toHaveLength(4)
  })

  test('an empty file is nothing, and done', async () => {
    const { summary, log } = await run({ files: [fileOf('')] })
    expect(summary).toMatchObject({ kind: 'imported', emissions: 0 })
    expect([...log.progress.values()][0]).toMatchObject({ emissions: 0, done: true })
  })

  test('standard input is read to its end', async () => {
    const { log } = await run({ files: ['-'], stdin: Readable.from([Buffer.from(lines.join('\n'))]) })
    expect(log.records).toHaveLength(50)
  })
})

describe('times', () => {
  test('order time never falls, and an event from the far future moves no clock', async () => {
    const atMs = [5000, 9000, 7000, STARTED_AT_MS + DAY_MS, 9500]
    const { log } = await run({ files: [fileOf(atMs.map((ms, n) => eventLine(n, ms)).join('\n'))] })
    expect(log.records.map((record) => record.brokerTimeMs)).toEqual([5000, 9000, 7000, 9000, 9500])
    expect(log.records.map((record) => record.orderTimeMs)).toEqual([5000, 9000, 9000, 9000, 9500])
  })

  test('a later source never goes below an earlier one', async () => {
    const { log } = await run({ files: [fileOf(eventLine(1, 50_000))] })
    await run({ files: [fileOf(eventLine(2, 10_000))] }, log)
    expect(log.records.map((record) => record.orderTimeMs)).toEqual([50_000, 50_000])
  })

  test('several files are merged by event time, ties by the order in which they are named', async () => {
    const first = fileOf([10, 30, 50].map((ms, n) => eventLine(n, ms)).join('\n'))
    const second = fileOf(['junk', ...[10, 20, 60, 70].map((ms, n) => eventLine(n + 10, ms))].join('\n'))
    const { log } = await run({ files: [first, second] })
    const ids = payments(log).map((event) => (typeof event === 'string' ? event : (event as { paymentId: string }).paymentId))
    expect(ids).toEqual(['junk', 'p-0', 'p-10', 'p-11', 'p-1', 'p-2', 'p-12', 'p-13'])
  })
})

describe('an event dated too far past its arrival', () => {
  const FUTURE_MS = Date.UTC(2090, 0, 1)
  const linesAt = (...atMs: readonly number[]): string => atMs.map((ms, n) => eventLine(n, ms)).join('\n')

  test('is told with file and line, and is in the log as if it had not been', async () => {
    const path = fileOf(linesAt(5000, FUTURE_MS, 9000))
    const { log, rejections, summary } = await run({ files: [path] })
    expect(rejections).toEqual([{ file: path, line: 2, message: expect.stringContaining('dated 2090-01-01T00:00:00.000Z') as string }])
    expect(summary).toMatchObject({ emissions: 3, rejected: 1 })
    expect(log.records.map(({ topic, brokerTimeMs }) => [topic, brokerTimeMs])).toEqual([
      ['payments', 5000],
      ['payments', 5000],
      ['payments', 9000],
    ])
  })

  test('stops a strict import before it is taken; the next run tells of it once and goes on', async () => {
    const path = fileOf(linesAt(5000, FUTURE_MS, 9000))
    const log = new MemoryLog()
    const error = await failure({ files: [path], strict: true }, log)
    expect(error).toMatchObject({ code: 'input-rejected', context: { file: path, line: 2 } })
    expect(log.records).toHaveLength(1)
    const { rejections, summary } = await run({ files: [path] }, log)
    expect(rejections.map(({ line }) => line)).toEqual([2])
    expect(summary).toMatchObject({ emissions: 3, resumedFrom: 1 })
  })

  test.each([
    // Up to the start an event arrives when it happens; past it, at the start; more than 5 minutes past it, when the one before it did.
    [undefined, [STARTED_AT_MS, STARTED_AT_MS + 300_000, STARTED_AT_MS + 300_001], [3]],
    [0, [STARTED_AT_MS, STARTED_AT_MS + 1], [2]],
    [DAY_MS, [STARTED_AT_MS - DAY_MS, STARTED_AT_MS + 300_001, STARTED_AT_MS, STARTED_AT_MS + DAY_MS, STARTED_AT_MS + DAY_MS + 1], [2, 5]],
  ])('is one past the limit %p of the screening', async (maxSkewMs, atMs, lines) => {
    const { log, rejections } = await run({ files: [fileOf(linesAt(...atMs))], ...(maxSkewMs === undefined ? {} : { maxSkewMs }) })
    expect(rejections.map(({ line }) => line)).toEqual(lines)
    const past = atMs.flatMap((ms, n) => (ms > log.records[n].brokerTimeMs + (maxSkewMs ?? 300_000) ? [n + 1] : []))
    expect(past).toEqual(lines)
  })

  test('is found in each of several files', async () => {
    const paths = [linesAt(10, 30), linesAt(20, FUTURE_MS), linesAt(FUTURE_MS, 40)].map((content) => fileOf(content))
    const { rejections } = await run({ files: paths })
    expect(rejections.map(({ file, line }) => [file, line])).toEqual([
      [paths[2], 1],
      [paths[1], 2],
    ])
  })

  test('is found in CSV: read the fast way and the general one, in a row over several lines, and made later by the mapping', async () => {
    const day = '2018-04-01 10:00:00'
    const path = fileOf(
      `${HEADER}1,${day},1,2,3,0\n\n2,2090-01-01 00:00:00,1,2,3,0\n"3",2090-01-01 00:00:00,1,2,3,0\n4,2090-01-01 00:00:00,"1\n",2,3,0\n` +
        `5,${day},1,2,3,0\n6,2025-12-30 10:00:00,1,2,3,1\n7,${day},1,2,3,0`,
      'future.csv',
    )
    const { rejections, log } = await run({ files: [path], mapping: cardMapping() })
    expect(log.records.map(({ topic }) => topic)).toContain('outcomes')
    expect(rejections.map(({ line }) => line)).toEqual([4, 5, 6, 9])
  })
})

/** Has too little room for a large append, and enough for a smaller one after it. */
class FullLog extends MemoryLog {
  mostBytesOfAppend = 4_000

  override append(...[records, progress]: Parameters<MemoryLog['append']>): Promise<readonly number[]> {
    const bytes = records.reduce((sum, { value }) => sum + value.length, 0)
    if (bytes > this.mostBytesOfAppend) return Promise.reject(new RiskError('limit-reached', 'the log is full', { retriable: false }))
    return super.append(records, progress)
  }
}

describe('going on', () => {
  const lines = Array.from({ length: 40 }, (_, n) => (n % 9 === 4 ? `bad ${n}` : eventLine(n, 1_000_000 + ((n * 7919) % 40) * 1000)))

  test('stopped after any append, the log ends as if it had not been', async () => {
    const path = fileOf(lines.join('\n'))
    const whole = await run({ files: [path], batchRecords: 5 })
    for (let failAt = 1; failAt <= whole.log.appends; failAt++) {
      const log = new MemoryLog()
      log.failAt = failAt
      await expect(run({ files: [path], batchRecords: 5 }, log)).rejects.toThrow('refuses')
      expect(log.records).toHaveLength(Math.min(40, (failAt - 1) * 5))
      log.failAt = Infinity
      const again = await importFiles({ files: [path], log, startedAtMs: STARTED_AT_MS + DAY_MS, batchRecords: 3 })
      expect(again.resumedFrom).toBe(Math.min(40, (failAt - 1) * 5))
      expect(log.content()).toEqual(whole.log.content())
    }
  })

  test('a log that is full for one batch gets none after it, and the next run goes on with that batch', async () => {
    const wide = lines.map((line, n) => (n === 12 ? `wide ${'x'.repeat(5_000)}` : line))
    const path = fileOf(wide.join('\n'))
    const whole = await run({ files: [path], batchRecords: 5 })
    const log = new FullLog()
    expect(await failure({ files: [path], batchRecords: 5 }, log)).toMatchObject({ code: 'limit-reached' })
    expect(log.records).toHaveLength(10)
    log.mostBytesOfAppend = Infinity
    const { summary } = await run({ files: [path], batchRecords: 5 }, log)
    expect(summary).toMatchObject({ resumedFrom: 10, emissions: 40 })
    expect(log.content()).toEqual(whole.log.content())
  })

  test('the same content again is taken no second time, under any name', async () => {
    const { log } = await run({ files: [fileOf(lines.join('\n'))] })
    const { summary } = await run({ files: [fileOf(lines.join('\n'))] }, log)
    expect(summary).toMatchObject({ kind: 'already-imported', emissions: 40 })
    expect(log.records).toHaveLength(40)
  })

  test('cancelled, everything read so far is in', async () => {
    const path = fileOf(lines.join('\n'))
    const controller = new AbortController()
    const log = new MemoryLog()
    const error = await failure({ files: [path], signal: controller.signal, onRejected: () => controller.abort() }, log)
    expect(error.code).toBe('cancelled')
    await run({ files: [path] }, log)
    expect(log.records).toHaveLength(40)
  })
})

describe('CSV', () => {
  const day = (n: number): string => `2018-04-${String(n).padStart(2, '0')} 10:00:00`
  const rows = Array.from({ length: 20 }, (_, n) => `${n},${day(n + 1)},${n % 3},7,${n}.5,${n % 5 === 0 ? 1 : 0}`)

  test('a delayed label comes at its time, and those left at the end in order', async () => {
    const { log } = await run({ files: [fileOf(HEADER + rows.join('\n'), 'cards.csv')], mapping: cardMapping() })
    expect(log.records.map((record) => (record.topic === 'payments' ? 'p' : 'o')).join('')).toBe(expectedOrder())
    const outcome = decodeRaw('outcomes', log.records.find((record) => record.topic === 'outcomes')?.value ?? new Uint8Array())
    const first = decodeRaw('payments', log.records[0].value)
    if (outcome.kind === 'rejected' || first.kind === 'rejected') throw new Error('rejected')
    expect(outcome.event).toMatchObject({
      subjectEventId: first.event.eventId,
      subjectEventTimeMs: first.event.eventTimeMs,
      eventTimeMs: first.event.eventTimeMs + 7 * DAY_MS,
      knownAtMs: first.event.eventTimeMs + 7 * DAY_MS,
      label: 'fraud',
      counterpartyId: 't-7',
    })
    expect(first.event).toMatchObject({ accountId: 'c-0', amountMinor: 50, utcOffsetMinutes: null })
  })

  /** A label of the row of day d goes just before the payment of day d + 7. */
  function expectedOrder(): string {
    let order = ''
    for (let n = 0; n < 20; n++) order += ((n - 7) % 5 === 0 && n >= 7 ? 'o' : '') + 'p'
    return order + 'o'
  }

  test('rows that are wrong go to unparsable whole, and say why', async () => {
    const bad = [
      '1,2018-13-01 10:00:00,1,2,3.00,0',
      '2,2018-04-01 10:00:00,1,2,3.005,0',
      '3,2018-04-01 10:00:00,1,2',
      '4,2018-04-01 10:00:00,1,2,-3,0',
      '5,"2018-04-01 10:00:00"x,1,2,3,0',
    ]
    const { rejections, log } = await run({ files: [fileOf(HEADER + bad.join('\r\n'), 'bad.csv')], mapping: cardMapping() })
    expect(log.records.map((record) => Buffer.from(record.value).toString())).toEqual(bad)
    expect(rejections.map(({ line }) => line)).toEqual([2, 3, 4, 5, 6])
    const [month, places, columns, negative, quote] = rejections.map(({ message }) => message)
    expect(month).toContain('datetime is "2018-13-01 10:00:00"')
    expect(places).toContain('amount is "3.005"; for amountMinor it must be a decimal number with at most 2 places')
    expect(columns).toContain('the row has 4 fields')
    expect(negative).toContain('amountMinor')
    expect(quote).toContain('closing quote')
  })

  test('a quoted field may hold delimiters, quotes and line feeds; a stray quote takes no other row with it', async () => {
    const content = `${HEADER}1,2018-04-01 10:00:00,"a,b",2,3,0\n"2","2018-04-01\n10:00:00",1,2,3,0\n3,2018-04-01 10:00:00,"1,2,3,0\n4,2018-04-01 10:00:00,1,2,3,0`
    const { log, rejections } = await run({ files: [fileOf(content, 'quoted.csv')], mapping: cardMapping() })
    expect(log.records.map((record) => record.topic)).toEqual(['payments', 'unparsable', 'unparsable', 'payments'])
    expect(payments(log)[0]).toMatchObject({ accountId: 'c-a,b' })
    expect(Buffer.from(log.records[1].value).toString()).toBe('"2","2018-04-01\n10:00:00",1,2,3,0')
    expect(rejections.map(({ line }) => line)).toEqual([3, 5])
    expect(rejections[1].message).toContain('does not end')
  })

  test('another header is refused before anything is taken', async () => {
    const error = await failure({ files: [fileOf('a,b\n1,2\n', 'other.csv')], mapping: cardMapping() })
    expect(error.code).toBe('mapping-invalid')
    expect(error.message).toContain('expects "tx_id,datetime')
  })

  test('a header without rows is an empty file', async () => {
    expect((await run({ files: [fileOf(HEADER, 'none.csv')], mapping: cardMapping() })).summary.emissions).toBe(0)
  })

  test('another mapping makes another source', async () => {
    const path = fileOf(HEADER + rows.join('\n'), 'twice.csv')
    const mapping = cardMapping()
    const { log, summary } = await run({ files: [path], mapping })
    const other = await run({ files: [path], mapping: { ...mapping, canonical: `${mapping.canonical} ` } }, log)
    expect(other.summary.sourceId).not.toBe(summary.sourceId)
  })
})

describe('files that cannot be read', () => {
  test('a missing file, a folder, CSV without a mapping, standard input twice, no file', async () => {
    expect(await failure({ files: [join(folder, 'none.ndjson')] })).toMatchObject({ code: 'file-not-found' })
    expect(await failure({ files: [folder] })).toMatchObject({ code: 'file-unreadable' })
    expect(await failure({ files: [join(folder, 'x.csv.gz')] })).toMatchObject({ code: 'mapping-invalid' })
    expect(await failure({ files: ['-', '-'] })).toMatchObject({ code: 'file-unreadable' })
    expect(await failure({ files: [] })).toMatchObject({ code: 'file-not-found' })
  })

  test('a cut or damaged gzip is named with its place; the lines before it stay', async () => {
    const packed = gzipSync(Array.from({ length: 5000 }, (_, n) => eventLine(n, n)).join('\n'))
    const cut = await failure({ files: [fileOf(packed.subarray(0, packed.length - 20))] })
    expect(cut.code).toBe('file-unreadable')
    expect(cut.message).toContain(`ends after ${packed.length - 20} bytes`)
    const broken = Buffer.from(packed)
    broken.fill(0xff, 2000, 2100)
    const damage = await failure({ files: [fileOf(broken)] })
    expect(damage.code).toBe('file-unreadable')
    expect(damage.message).toContain('is damaged')
  })
  test('a gzip padded with zeros is whole', async () => {
    const text = Array.from({ length: 100 }, (_, n) => eventLine(n, n)).join('\n')
    const plain = await run({ files: [fileOf(text)] })
    for (const zeros of [1, 1_000_000]) {
      const padded = await run({ files: [fileOf(Buffer.concat([gzipSync(text), Buffer.alloc(zeros)]))] })
      expect(padded.summary.kind).toBe('imported')
      expect(padded.log.content()).toEqual(plain.log.content())
    }
  })

  test.each([1, 1_000_000])('a gzip with more data after %d zeros is refused, with the place', async (zeros) => {
    const [first, second] = [0, 1].map((n) => gzipSync(`${eventLine(n, n)}\n`))
    const path = fileOf(Buffer.concat([first, Buffer.alloc(zeros), second]))
    const log = new MemoryLog()
    const error = await failure({ files: [path] }, log)
    expect(error).toMatchObject({ code: 'file-unreadable', context: { file: path, byteOffset: first.length } })
    expect(error.message).toContain(`${path} has zeros from byte ${first.length} on`)
    expect(log.records).toHaveLength(1)
    expect([...log.progress.values()]).toMatchObject([{ done: false }])
  })
})
