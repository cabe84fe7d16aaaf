import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openEmbeddedLog } from '@riskledger/embedded-log'
import { decodeRaw, encodeRaw } from '@riskledger/events'
import { MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import { EMBEDDED, openHouse, type House } from '../house/open-house'
import { runCommand, runJson } from '../testing/run-command'
import { temporaryFolder } from '../testing/small-scenario'

interface Row {
  readonly partition: number
  readonly sequence: number
  readonly topic: string
  readonly reason: string
  readonly accountId: string | null
  readonly source: string | null
}

interface Sent {
  readonly redriveOf: string
  readonly attempt: number
  readonly topic: 'payments'
  readonly eventId: string
  readonly traceId: string
  readonly partition: number
  readonly offset: number
}

const FROM_MS = Date.now() - 60_000
const PAYMENT = { ...MINIMAL_EVENTS.payments, eventTimeMs: FROM_MS }

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let data: readonly string[]
let dataDir: string
let rows: readonly Row[]
/** What only reads does so beside a process that holds the folder, as beside a running riskledger up. */
let holder: House

function line(change: object, topic = 'payments'): string {
  return JSON.stringify({ topic, event: { ...PAYMENT, ...change } })
}

/** `<partition>/<sequence>` of the one refused input for which `find` says yes. */
function placeOf(find: (row: Row) => boolean): string {
  const found = rows.filter(find)
  expect(found).toHaveLength(1)
  return `${found[0].partition}/${found[0].sequence}`
}

const negative = (): string => placeOf(({ accountId }) => accountId === 'a-negative')
const truncated = (): string => placeOf(({ reason }) => reason === 'truncated')

beforeAll(async () => {
  folder = await temporaryFolder()
  dataDir = join(folder.path, 'data')
  data = ['--data-dir', dataDir]
  const file = join(folder.path, 'events.ndjson')
  await writeFile(
    file,
    [
      line({}),
      line({ eventId: '0192f3c4-5b6a-7c8d-9e0f-000000000001', accountId: 'a-negative', amountMinor: -5 }),
      line({ accountId: 'a-lost' }, 'paiments'),
      '{"topic":"payments","event":{"half":',
      '',
    ].join('\n'),
  )
  expect((await runCommand('screen', file, ...data)).code).toBe(0)
  // What a live publisher sends wrong: cut short, with another's key, on another event's topic.
  const log = openEmbeddedLog({ folder: join(dataDir, 'log'), partitionCount: 1 })
  const value = encodeRaw('payments', { ...PAYMENT, eventId: '0192f3c4-5b6a-7c8d-9e0f-000000000002', accountId: 'a-cut' }).slice()
  const keyed = encodeRaw('payments', { ...PAYMENT, eventId: '0192f3c4-5b6a-7c8d-9e0f-000000000003', accountId: 'a-keyed' }).slice()
  const at = { partition: 0, brokerTimeMs: FROM_MS + 1_000, orderTimeMs: undefined, key: Buffer.from('a-cut') }
  await log.append([
    { ...at, topic: 'payments', value: value.subarray(0, value.length - 4) },
    { ...at, topic: 'payments', value: keyed },
    { ...at, topic: 'logins', value },
  ])
  await log.close()
  expect((await runCommand('up', '--once', ...data)).code).toBe(0)
  const { value: listing } = await runJson<{ rows: Row[] }>('quarantine', 'list', ...data)
  rows = listing.rows
  holder = await openHouse({ ...EMBEDDED, dataDir, command: 'riskledger up' })
})

afterAll(() => folder.remove())

describe('list', () => {
  test('names every refused input, with what its bytes claim', async () => {
    const { value } = await runJson('quarantine', 'list', ...data)
    expect(value).toMatchObject({ inputs: 7, quarantined: 6, matching: 6 })
    expect(rows.map(({ topic, reason, accountId, source }) => [topic, reason, accountId, source])).toEqual([
      ['unparsable', 'invalid-value', 'a-negative', 'checkout'],
      ['unparsable', 'invalid-event', 'a-lost', 'checkout'],
      ['unparsable', 'not-json', null, null],
      ['payments', 'truncated', 'a-cut', 'checkout'],
      ['payments', 'key-mismatch', 'a-keyed', 'checkout'],
      ['logins', 'wrong-topic-schema', 'a-cut', 'checkout'],
    ])
  })

  test('filters by reason and topic, and cuts to the newest', async () => {
    expect((await runJson('quarantine', 'list', '--reason', 'truncated', ...data)).value).toMatchObject({ matching: 1, quarantined: 6 })
    expect((await runJson('quarantine', 'list', '--topic', 'unparsable', ...data)).value).toMatchObject({ matching: 3 })
    const { value } = await runJson<{ rows: Row[] }>('quarantine', 'list', '--limit', '1', ...data)
    expect(value.rows).toEqual([rows[5]])
    const { out } = await runCommand('quarantine', 'list', '--topic', 'unparsable', '--limit', '2', ...data)
    expect(out).toMatch(/^input +time +position +reason +account +source\n0\//)
    expect(out).toContain('6 of 7 inputs were refused, 3 of them such; the newest 2 are shown (--limit)')
    expect(out).toContain('npx riskledger quarantine show 0/')
    const none = await runCommand('quarantine', 'list', '--reason', 'future-event', ...data)
    expect(none.out).toBe('6 of 7 inputs were refused, 0 of them such\n')
  })

  test.each([
    ['--reason', 'bad-luck'],
    ['--topic', 'verdicts'],
    ['--limit', '0'],
    ['--limit', 'many'],
    ['--limit', '100001'],
  ])('refuses %s %s', async (flag, value) => {
    expect((await runCommand('quarantine', 'list', flag, value, ...data)).code).toBe(2)
  })
})

describe('show', () => {
  test('tells the reason in words, what to repair, and the event as its line has it', async () => {
    const { out } = await runCommand('quarantine', 'show', negative(), ...data)
    expect(out).toContain('invalid-value: a field holds what its schema does not allow.')
    expect(out).toContain('amountMinor is -5')
    expect(out).toContain('Repair     Validate the event before it is sent')
    expect(out).toContain('"amountMinor": -5')
    expect(out).toContain(`quarantine redrive ${negative()} --set <field>=<value>`)
    expect((await runJson('quarantine', 'show', negative(), ...data)).value).toMatchObject({
      reason: 'invalid-value',
      event: { topic: 'payments', event: { amountMinor: -5 } },
      valueBase64: expect.any(String) as string,
    })
  })

  test('decodes what can be decoded: another key, another topic', async () => {
    const keyed = placeOf(({ reason }) => reason === 'key-mismatch')
    expect((await runJson('quarantine', 'show', keyed, ...data)).value).toMatchObject({
      event: { topic: 'payments', event: { accountId: 'a-keyed' } },
    })
    const strayed = placeOf(({ reason }) => reason === 'wrong-topic-schema')
    expect((await runJson('quarantine', 'show', strayed, ...data)).value).toMatchObject({ topic: 'logins', event: { topic: 'payments' } })
  })

  test('prints the bytes of what cannot, and what they begin with', async () => {
    const { out } = await runCommand('quarantine', 'show', truncated(), ...data)
    expect(out).toMatch(/00000000 {2}c3 01 38 53 .*\|/)
    expect(out).toContain('Account    a-cut')
    expect(out).toContain('Source     checkout')
    expect(out).toContain(`quarantine redrive ${truncated()} --event <file>`)
  })

  test('refuses what is no place, what is not there, and what was not refused', async () => {
    const named = await runCommand('quarantine', 'show', 'first', ...data)
    expect([named.code, named.err]).toEqual([2, expect.stringContaining('<partition>/<sequence>')])
    const absent = await runCommand('quarantine', 'show', '0/999', ...data)
    expect([absent.code, absent.err]).toEqual([2, expect.stringContaining('no input with the sequence 999')])
    const whole = Array.from({ length: 7 }, (_, index) => index + 1).find((one) => !rows.some(({ sequence }) => sequence === one))!
    const screened = await runCommand('quarantine', 'show', `0/${whole}`, ...data)
    expect([screened.code, screened.err]).toEqual([2, expect.stringContaining('was not refused: it is screened')])
  })
})

describe('redrive', () => {
  test('a folder in use is left alone', async () => {
    expect((await runCommand('quarantine', 'redrive', negative(), '--set', 'amountMinor=5', ...data)).code).toBe(5)
    await holder.close()
  })

  test('what is still wrong is refused with every field, and nothing is sent', async () => {
    const bare = await runCommand('quarantine', 'redrive', negative(), ...data)
    expect([bare.code, bare.err]).toEqual([2, expect.stringContaining('amountMinor is -5')])
    const more = await runCommand('quarantine', 'redrive', negative(), '--set', 'currency=US', '--set', 'colour=red', ...data)
    expect(more.err).toMatch(/amountMinor.*colour|colour.*amountMinor/)
    const unread = await runCommand('quarantine', 'redrive', truncated(), ...data)
    expect([unread.code, unread.err]).toEqual([2, expect.stringContaining('Give it whole with --event')])
    const nowhere = await runCommand(
      'quarantine',
      'redrive',
      placeOf(({ accountId }) => accountId === 'a-lost'),
      ...data,
    )
    expect([nowhere.code, nowhere.err]).toEqual([2, expect.stringContaining('names no topic')])
  })

  test.each(['amountMinor', '=5', 'a b=5', 'eventId=x', 'traceId=x'])('refuses --set %s', async (setting) => {
    expect((await runCommand('quarantine', 'redrive', negative(), '--set', setting, ...data)).code).toBe(2)
  })

  test('a file that is missing, no JSON, or no event is named', async () => {
    const missing = await runCommand('quarantine', 'redrive', truncated(), '--event', join(folder.path, 'none.json'), ...data)
    expect([missing.code, missing.err]).toEqual([2, expect.stringContaining('none.json: there is no such event file')])
    const file = join(folder.path, 'event.json')
    for (const text of ['{', '[]', '{"event":5}', '{"topic":"verdicts","event":{}}']) {
      await writeFile(file, text)
      const refused = await runCommand('quarantine', 'redrive', truncated(), '--event', file, ...data)
      expect([text, refused.code, refused.err.includes('event.json')]).toEqual([text, 2, true])
    }
  })

  test('repaired, it goes out once as a new event that names the old, and is screened', async () => {
    const place = negative()
    const repair = ['quarantine', 'redrive', place, '--set', 'amountMinor=700']
    const { code, value: sent } = await runJson<Sent>(...repair, ...data)
    expect(code).toBe(0)
    expect(sent).toMatchObject({ redriveOf: place, attempt: 1, topic: 'payments', traceId: `redrive-of:${place}`, partition: 0 })
    expect(sent.eventId).not.toBe('0192f3c4-5b6a-7c8d-9e0f-000000000001')
    const log = openEmbeddedLog({ folder: join(dataDir, 'log'), partitionCount: 1, readOnly: true })
    const fetched = await log.fetch({ topic: 'payments', partition: 0, fromOffset: sent.offset, maxRecords: 1, maxBytes: 65_536 })
    await log.close()
    expect(Buffer.from(fetched.records[0].key!).toString()).toBe('a-negative')
    expect(decodeRaw('payments', fetched.records[0].value)).toMatchObject({
      event: { eventId: sent.eventId, traceId: sent.traceId, amountMinor: 700, accountId: 'a-negative', paymentId: PAYMENT.paymentId },
    })
    // Waiting in the log it is known as sent, and screened too.
    const twice = await runCommand(...repair, ...data)
    expect([twice.code, twice.err]).toEqual([2, expect.stringContaining(`sent again before, as event ${sent.eventId}`)])
    expect((await runCommand('up', '--once', ...data)).code).toBe(0)
    expect((await runJson('explain', sent.eventId, ...data)).value).toMatchObject({ status: 'screened', accountId: 'a-negative' })
    expect((await runCommand(...repair, ...data)).code).toBe(2)
    const again = await runJson<Sent>(...repair, '--again', ...data)
    expect(again.value).toMatchObject({ attempt: 2, redriveOf: place })
    expect(again.value.eventId).not.toBe(sent.eventId)
  })

  test('given whole, what could not be read goes out; one on the wrong topic goes to its own', async () => {
    const file = join(folder.path, 'whole.json')
    await writeFile(file, line({ accountId: 'a-cut' }))
    const whole = await runCommand('quarantine', 'redrive', truncated(), '--event', file, ...data)
    expect(whole.out).toMatch(/^sent again {2}input 0\/\d+ as event [0-9a-f-]{36}, payments\/0@\d+\n/)
    const strayed = await runJson<Sent>(
      'quarantine',
      'redrive',
      placeOf(({ reason }) => reason === 'wrong-topic-schema'),
      ...data,
    )
    expect(strayed.value.topic).toBe('payments')
  })
})
