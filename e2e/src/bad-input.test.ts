import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exported, expectWhole, runRiskledger, runToEnd, type Screened } from './run-riskledger'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'riskledger-bad-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const START_MS = 1_776_124_800_000
let written = 0

/** A line with a good payment, a minute after the one made before it, but for the fields given. */
function payment(fields: Readonly<Record<string, unknown>> = {}): string {
  written++
  const event = {
    eventId: `00000000-0000-4000-8000-${String(written).padStart(12, '0')}`,
    accountId: `a-${written % 7}`,
    eventTimeMs: START_MS + written * 60_000,
    source: 'checkout',
    paymentId: `pay-${written}`,
    kind: 'purchase',
    phase: 'requested',
    direction: 'debit',
    amountMinor: 1_500,
    currency: 'USD',
    amountReferenceMinor: 1_500,
    counterpartyId: 'm-1',
    counterpartyKind: 'merchant',
    method: 'card',
    payerNameMatch: 'unknown',
    ...fields,
  }
  return JSON.stringify({ topic: 'payments', event })
}

/** Each bad line with the reason in the journal and what is told of it. */
const BAD_LINES: readonly (readonly [string, Buffer | string, string, RegExp])[] = [
  ['truncated', payment().slice(0, -30), 'not-json', /does not close it: was it cut off\?/],
  ['oversized', payment({ source: 'x'.repeat(70_000) }), 'oversized', /limit is 65536/],
  ['far oversized', `{"topic":"${'y'.repeat(1_100_000)}"}`, 'oversized', /longer than 1048576 bytes/],
  ['wrong type', payment({ amountMinor: '15' }), 'invalid-value', /amountMinor is/],
  ['unknown schema', '{"topic":"loans","event":{}}', 'invalid-event', /topic is "loans"; it is one of payments/],
  ['negative amount', payment({ amountMinor: -1 }), 'invalid-value', /amountMinor is -1/],
  ['huge amount', payment({ amountMinor: 1e300 }), 'invalid-value', /amountMinor is 1e\+300/],
  ['unknown enum symbol', payment({ phase: 'teleported' }), 'invalid-value', /phase is "teleported"; it is one of requested, .*, unknown$/],
  ['missing id', payment({ eventId: undefined }), 'missing-id', /eventId is missing/],
  ['empty account', payment({ accountId: '' }), 'missing-id', /accountId is empty/],
  ['hostile account', payment({ accountId: 'a\u0000\u202e<script>' }), 'hostile-id', /accountId/],
  ['endless account', payment({ accountId: 'a'.repeat(10_000) }), 'hostile-id', /accountId/],
  ['prototype as account', '{"topic":"payments","event":{"__proto__":{"eventId":"x"}}}', 'invalid-event', /./],
  [
    'invalid UTF-8',
    Buffer.concat([Buffer.from('{"topic":"pay'), Buffer.from([0xff, 0xfe, 0xc3]), Buffer.from('"}')]),
    'invalid-utf8',
    /not valid UTF-8/,
  ],
  ['not an object', '[1,2,3]', 'invalid-event', /the line is/],
  ['text', 'eventId;accountId;amount', 'not-json', /the line is not JSON/],
]

test('every kind of bad line is journaled with its reason, told with file and line, and takes nothing with it', async () => {
  const file = join(folder, 'bad.ndjson')
  const lines: (Buffer | string)[] = [payment()]
  const lineOf = new Map<string, number>()
  for (const [name, line] of BAD_LINES) {
    lines.push(line)
    lineOf.set(name, lines.length)
    lines.push(payment())
  }
  const good = BAD_LINES.length + 1
  writeFileSync(
    file,
    Buffer.concat(lines.flatMap((line) => [Buffer.from(line), Buffer.from('\n')]).concat(Buffer.from(payment().slice(0, 100)))),
  )

  const dataDir = join(folder, 'bad')
  const run = await runRiskledger(['--json', '--data-dir', dataDir, 'screen', file])
  expect(run).toMatchObject({ code: 0, signal: null })
  const result = JSON.parse(run.stdout) as Screened
  const told = run.stderr.split('\n')
  for (const [name, , , message] of BAD_LINES) {
    const at = `${file}:${lineOf.get(name)}: `
    const line = told.find((one) => one.startsWith(at))
    expect({ name, line: line ?? `not told: ${at}` }).toEqual({ name, line: expect.stringMatching(message) as string })
  }
  const half = lines.length + 1
  expect(told.find((line) => line.startsWith(`${file}:${half}: `))).toMatch(/was it cut off\?/)

  const rows = (await exported(dataDir)).map((row) => JSON.parse(row) as { status: string; reasons: string[] })
  const quarantined = rows.filter((row) => row.status === 'quarantined').map((row) => row.reasons[0])
  for (const [, , reason] of BAD_LINES) expect(quarantined).toContain(reason)
  expect(result).toMatchObject({ inputs: half, quarantined: BAD_LINES.length + 1, screened: good, late: 0 })
  expect(rows).toHaveLength(half)
  await expectWhole(dataDir, half)
})

test('an event from 2090 is quarantined alone: nothing after it is late, and the end is reached', async () => {
  const file = join(folder, 'future.ndjson')
  const lines = [payment(), payment({ eventTimeMs: Date.UTC(2090, 0, 1) }), ...Array.from({ length: 20 }, () => payment())]
  writeFileSync(file, `${lines.join('\n')}\n`)
  const dataDir = join(folder, 'future')
  const run = await runRiskledger(['--json', '--data-dir', dataDir, 'screen', file, '--partitions', '4'])
  expect(run).toMatchObject({ code: 0, signal: null })
  expect(run.stderr).toContain(`${file}:2: the event is dated 2090-01-01T00:00:00.000Z, more than 300 s past its arrival (future-event). `)
  expect(JSON.parse(run.stdout)).toMatchObject({ inputs: 22, screened: 21, late: 0, quarantined: 1 })
  const rows = (await exported(dataDir)).filter((row) => row.includes('"quarantined"'))
  expect(rows).toEqual([expect.stringContaining('future-event')])
})

test('--strict stops at an event from 2090, which is not taken; without it the same folder goes on from there', async () => {
  const file = join(folder, 'strict-future.ndjson')
  writeFileSync(file, [payment(), payment({ eventTimeMs: Date.UTC(2090, 0, 1) }), payment()].join('\n'))
  const dataDir = join(folder, 'strict-future')
  const stopped = await runRiskledger(['--data-dir', dataDir, 'screen', file, '--strict'])
  expect(stopped).toMatchObject({ code: 4, stderr: expect.stringContaining(`${file}:2: the event is dated 2090-`) as string })
  const result = await runToEnd<Screened>(['--data-dir', dataDir, 'screen', file])
  expect(result).toMatchObject({ inputs: 3, screened: 2, quarantined: 1 })
})

test('how far ahead an event may be dated, the policy that it is screened by says to the import, too', async () => {
  const file = join(folder, 'ahead.ndjson')
  const ahead = (): string => [0, 1_800_000].map((aheadMs) => payment({ eventTimeMs: Date.now() + aheadMs })).join('\n')
  writeFileSync(file, ahead())
  const policy = join(folder, 'ahead.yaml')
  const shipped = readFileSync(join(__dirname, '..', '..', 'policies', 'default.yaml'), 'utf8')
  writeFileSync(policy, shipped.replace('maxSkewMs: 300000', 'maxSkewMs: 7200000'))
  const screen = ['--data-dir', join(folder, 'ahead'), 'screen', file, '--strict']
  expect(await runToEnd<Screened>([...screen, '--policy', policy])).toMatchObject({ inputs: 2, screened: 2, quarantined: 0 })
  // Without --policy it is that of the journal.
  writeFileSync(file, ahead())
  expect(await runToEnd<Screened>(screen)).toMatchObject({ screened: 4, quarantined: 0 })
})

test('--strict stops at the first bad line with exit code 4; without it the same folder goes on from there', async () => {
  const file = join(folder, 'strict.ndjson')
  writeFileSync(file, [payment(), payment(), '{"topic":', payment()].join('\n'))
  const dataDir = join(folder, 'strict')
  const stopped = await runRiskledger(['--data-dir', dataDir, 'screen', file, '--strict'])
  expect(stopped.code).toBe(4)
  expect(stopped.stderr).toContain(`${file}:3: `)
  expect(stopped.stderr).toContain('Stopped here, as --strict asks')
  const result = await runToEnd<Screened>(['--data-dir', dataDir, 'screen', file])
  expect(result).toMatchObject({ inputs: 4, screened: 3, quarantined: 1 })
  await expectWhole(dataDir, 4)
})

test('an empty file is no inputs; a missing one, a folder and a mapping that is missing are told', async () => {
  const empty = join(folder, 'empty.ndjson')
  writeFileSync(empty, '')
  expect(await runToEnd<Screened>(['--data-dir', join(folder, 'empty'), 'screen', empty])).toMatchObject({ inputs: 0, quarantined: 0 })
  const missing = await runRiskledger(['--data-dir', join(folder, 'none'), 'screen', join(folder, 'no-such.ndjson')])
  expect(missing).toMatchObject({ code: 2, stderr: `${join(folder, 'no-such.ndjson')}: there is no such file. Check its name.\n` })
  mkdirSync(join(folder, 'a-folder'))
  const aFolder = await runRiskledger(['--data-dir', join(folder, 'none'), 'screen', join(folder, 'a-folder')])
  expect(aFolder).toMatchObject({ code: 2, stderr: expect.stringContaining('is a folder; name the files in it') as string })
  const csv = join(folder, 'rows.csv')
  writeFileSync(csv, 'a,b\n1,2\n')
  const unmapped = await runRiskledger(['--data-dir', join(folder, 'none'), 'screen', csv])
  expect(unmapped).toMatchObject({ code: 2, stderr: expect.stringContaining('--mapping') as string })
})

test('- takes in what is piped, beside named files, and leaves no copy behind; the default folder says stdin', async () => {
  const file = join(folder, 'named.ndjson')
  const [first, second, ...piped] = Array.from({ length: 1_002 }, () => payment())
  writeFileSync(file, `${first}\n${second}\n`)
  const cwd = join(folder, 'piped')
  const temporary = join(folder, 'temporary')
  mkdirSync(cwd)
  mkdirSync(temporary)
  const options = { cwd, stdin: [...piped, '{"topic":'].join('\n'), environment: { TMPDIR: temporary } }
  const run = await runRiskledger(['--json', 'screen', '-', file], options)
  expect(run).toMatchObject({ code: 0, stderr: expect.stringContaining('standard input:1001: ') as string })
  const result = JSON.parse(run.stdout) as Screened & { dataDir: string }
  expect(result).toMatchObject({ inputs: 1_003, screened: 1_002, quarantined: 1, late: 0, takenNow: 1_003 })
  expect(result.dataDir).toMatch(/stdin-[0-9a-f]{8}$/)
  const again = await runToEnd<Screened>(['screen', '-', file], options)
  expect(again).toMatchObject({ inputs: 1_003, takenNow: 0, journalDigest: result.journalDigest })
  const twice = await runRiskledger(['screen', '-', '-'], options)
  expect(twice).toMatchObject({ code: 2, stderr: expect.stringContaining('named more than once') as string })
  expect(readdirSync(temporary).filter((name) => name.startsWith('riskledger-stdin-'))).toEqual([])
})

test('a damaged gzip: the whole lines before the damage are taken, the place is told', async () => {
  const { gzipSync } = await import('node:zlib')
  const file = join(folder, 'cut.ndjson.gz')
  const packed = gzipSync(`${Array.from({ length: 2_000 }, () => payment()).join('\n')}\n`)
  writeFileSync(file, packed.subarray(0, packed.length - 200))
  const dataDir = join(folder, 'cut')
  const cut = await runRiskledger(['--data-dir', dataDir, 'screen', file])
  expect(cut.code).toBe(2)
  expect(cut.stderr).toMatch(/cut\.ndjson\.gz ends after \d+ bytes, in the middle of its packed data/)
  expect((await runToEnd<{ faults: unknown[] }>(['--data-dir', dataDir, 'verify'])).faults).toEqual([])
})

test('a folder in use by another process names it', async () => {
  const file = join(folder, 'use.ndjson')
  writeFileSync(file, payment())
  const dataDir = join(folder, 'use')
  await runToEnd(['--data-dir', dataDir, 'screen', file])
  const { lockDataFolder } = await import('@riskledger/runtime')
  const lock = await lockDataFolder(dataDir, { command: 'riskledger up' })
  const refused = await runRiskledger(['--data-dir', dataDir, 'screen', file])
  await lock.release()
  expect(refused).toMatchObject({
    code: 5,
    stderr: expect.stringContaining(`is in use by process ${process.pid} (riskledger up`) as string,
  })
})

test.each([
  [2, 'written by a newer RiskLedger'],
  [0, 'written by an older RiskLedger'],
])('a data folder of format %i is refused and left as it is', async (format, message) => {
  const file = join(folder, 'format.ndjson')
  writeFileSync(file, payment())
  const dataDir = join(folder, `format-${format}`)
  mkdirSync(dataDir)
  writeFileSync(join(dataDir, 'riskledger.json'), JSON.stringify({ format, partitions: 1, created: '2026-01-01T00:00:00Z' }))
  const refused = await runRiskledger(['--data-dir', dataDir, 'screen', file])
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining(message) as string })
})
