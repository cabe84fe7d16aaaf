import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'
import type { EventLog } from '@riskledger/contracts'
import { copyLog } from './copy-log'
import { openEmbeddedLog } from './embedded-log'
import type { CheckableLog, EmbeddedLogOptions } from './embedded-log'
import { describeEventLogContract, fetchAll, proposedRecord } from './event-log-contract'
import { FORM_KEY } from './log-keys'

let folder: string
let opened: EventLog[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'riskledger-log-'))
  opened = []
})
afterEach(async () => {
  for (const log of opened) await log.close()
  rmSync(folder, { recursive: true })
})

function openLog(options: Partial<EmbeddedLogOptions> = {}): CheckableLog {
  const log = openEmbeddedLog({ folder, partitionCount: 1, ...options })
  opened.push(log)
  return log
}

async function reopen(options: Partial<EmbeddedLogOptions> = {}): Promise<CheckableLog> {
  for (const log of opened.splice(0)) await log.close()
  return openLog(options)
}

describeEventLogContract(
  'embedded, on LMDB',
  ({ partitionCount }) =>
    Promise.resolve({
      log: openLog({ partitionCount, maxBatchRecords: 8 }),
      openAnother: () => Promise.resolve(openLog({ partitionCount, readOnly: true })),
      dispose: () => Promise.resolve(),
    }),
  { progress: true },
)

const payments = { topic: 'payments', partition: 0 } as const
const valuesOf = async (log: EventLog): Promise<number[]> => (await fetchAll(log, payments)).map(({ value }) => value[0])

describe('what is kept', () => {
  test('survives closing and opening', async () => {
    await openLog().append([proposedRecord({ value: Uint8Array.of(1) })])
    const log = await reopen()
    expect(await log.append([proposedRecord({ value: Uint8Array.of(2) })])).toEqual([1])
    expect(await valuesOf(log)).toEqual([1, 2])
  })

  test('closing waits for appends in flight', async () => {
    const log = openLog()
    const appended = log.append([proposedRecord({ value: Uint8Array.of(1) })])
    await log.close()
    expect(await appended).toEqual([0])
    expect(await valuesOf(await reopen())).toEqual([1])
  })

  test('a copy made while appends go on is whole, and opens as a log of its own', async () => {
    const log = openLog()
    await log.append([proposedRecord({ value: Uint8Array.of(0) })])
    const target = join(folder, 'copy')
    const copied = copyLog(folder, target)
    for (let i = 1; i < 20; i++) await log.append([proposedRecord({ value: Uint8Array.of(i) })])
    await copied
    const values = await valuesOf(openLog({ folder: target }))
    expect(values.length).toBeGreaterThan(0)
    expect(values).toEqual(Array.from({ length: values.length }, (_, i) => i))
    await expect(copyLog(folder, target)).rejects.toMatchObject({ code: 'data-folder-in-use' })
    await expect(copyLog(join(folder, 'none'), join(folder, 'other'))).rejects.toMatchObject({ code: 'not-found' })
  })

  test('two handles that both write never give one offset twice', async () => {
    const [one, two] = [openLog(), openLog()]
    const offsets = await Promise.all(Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? one : two).append([proposedRecord({})])))
    expect(offsets.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i))
  })

  test('the oldest batches go past the retention, the newest stays, and what went is out of range', async () => {
    const log = openLog({ retentionBytes: 3_000 })
    for (let i = 0; i < 10; i++) await log.append([proposedRecord({ value: Buffer.alloc(1_000, i) })])
    expect(await log.range('payments', 0)).toEqual({ start: 8, end: 10 })
    expect(await valuesOf(log)).toEqual([8, 9])
    await expect(log.fetch({ ...payments, fromOffset: 7, maxRecords: 1, maxBytes: 1 })).rejects.toMatchObject({
      code: 'offset-out-of-range',
      message: expect.stringContaining('Offset 7 of payments, partition 0, is outside the log, which holds [8, 10)') as string,
    })
    await log.append([proposedRecord({ value: Buffer.alloc(10_000, 10) })])
    expect(await valuesOf(await reopen({ retentionBytes: 3_000 }))).toEqual([10])
  })
})

test('batches are checked one after another up to the end of the log, from any offset in them', async () => {
  const log = openLog({ maxBatchRecords: 3 })
  await log.append(Array.from({ length: 7 }, (_, i) => proposedRecord({ value: Uint8Array.of(i) })))
  expect([0, 1, 2, 3, 5, 6].map((fromOffset) => log.checkBatch({ ...payments, fromOffset }))).toEqual([3, 3, 3, 6, 6, 7])
  for (const fromOffset of [-1, 7, Number.NaN])
    expect(() => log.checkBatch({ ...payments, fromOffset })).toThrow(expect.objectContaining({ code: 'offset-out-of-range' }))
  await log.close()
  expect(() => log.checkBatch({ ...payments, fromOffset: 0 })).toThrow(expect.objectContaining({ code: 'log-unavailable' }))
})

describe('limits', () => {
  test('a record of 16 MiB goes in; one byte more is refused, and nothing of its append is kept', async () => {
    const log = openLog()
    const large = Buffer.alloc(16 * 2 ** 20, 3)
    expect(await log.append([proposedRecord({ value: large })])).toEqual([0])
    expect(Buffer.compare((await fetchAll(log, payments))[0].value, large)).toBe(0)
    await expect(log.append([proposedRecord({}), proposedRecord({ value: large, key: Uint8Array.of(1) })])).rejects.toMatchObject({
      code: 'record-too-large',
      retriable: false,
      context: { topic: 'payments', partition: 0, index: 1, recordBytes: large.length + 1 },
    })
    expect(await log.range('payments', 0)).toEqual({ start: 0, end: 1 })
  })

  test('the whole log has a limit; past it nothing is half written, and a smaller append still goes in', async () => {
    const log = openLog({ maxLogBytes: 10_000 })
    await log.append([proposedRecord({ value: Buffer.alloc(8_000, 1) })])
    const progress = { sourceId: 's', emissions: 1, orderTimeMs: 0, startedAtMs: 0, done: false }
    await expect(
      log.append([proposedRecord({ topic: 'logins' }), proposedRecord({ value: Buffer.alloc(4_000, 2) })], progress),
    ).rejects.toMatchObject({ code: 'limit-reached' })
    expect(await log.range('logins', 0)).toEqual({ start: 0, end: 0 })
    expect(await log.sources()).toEqual([])
    await log.append([proposedRecord({ value: Buffer.alloc(1_000, 3) })])
    expect(await valuesOf(log)).toEqual([1, 3])
  })

  test('a handle for reading refuses to append, and a closed one to do anything', async () => {
    await openLog().append([proposedRecord({})])
    const reader = openLog({ readOnly: true })
    await expect(reader.append([proposedRecord({})])).rejects.toMatchObject({ code: 'log-unavailable' })
    await reader.close()
    await expect(reader.range('payments', 0)).rejects.toMatchObject({ code: 'log-unavailable' })
  })
})

describe('a folder that is not what it should be', () => {
  test('missing, when only to be read', () => {
    expect(() => openLog({ folder: join(folder, 'none'), readOnly: true })).toThrow(expect.objectContaining({ code: 'not-found' }))
  })

  test('made with another number of partitions', async () => {
    openLog({ partitionCount: 4 })
    await expect(reopen({ partitionCount: 2 })).rejects.toMatchObject({
      code: 'configuration-invalid',
      message: expect.stringContaining('was made with 4 partitions, not 2') as string,
    })
  })

  test.each([0, 1.5, 1_025, NaN])('asked for %d partitions', (partitionCount) => {
    expect(() => openLog({ partitionCount })).toThrow(expect.objectContaining({ code: 'configuration-invalid' }))
  })

  test.each([
    ['an older form', '{"kind":"riskledger-log","version":0,"partitionCount":1,"topics":[]}', 'has form 0; this program reads form 1'],
    ['a newer form', '{"kind":"riskledger-log","version":2,"partitionCount":1,"topics":[]}', 'has form 2; this program reads form 1'],
    ['something else', '{"kind":"other"}', 'holds something else'],
    ['no JSON', '\u0000', 'holds something else'],
  ])('holding %s', async (_, form, message) => {
    await openLog().close()
    const database = open<Uint8Array, Uint8Array>({ path: folder, overlappingSync: false, encoding: 'binary', keyEncoding: 'binary' })
    await database.put(FORM_KEY, Buffer.from(form))
    await database.close()
    expect(() => openLog()).toThrow(
      expect.objectContaining({ code: 'data-folder-format', message: expect.stringContaining(message) as string }),
    )
  })

  test('with a flipped byte in a batch: named, and the other batches still read', async () => {
    const log = openLog()
    await log.append([proposedRecord({ value: Buffer.from('the first batch, '.repeat(500)) })])
    await log.append([proposedRecord({ value: Buffer.from('THE SECOND BATCH '.repeat(500)) })])
    await log.close()
    const file = join(folder, 'data.mdb')
    const image = readFileSync(file)
    image[image.indexOf('THE SECOND BATCH THE') + 5] ^= 1
    writeFileSync(file, image)
    const damaged = await reopen()
    await expect(damaged.fetch({ ...payments, fromOffset: 1, maxRecords: 1, maxBytes: 1 })).rejects.toMatchObject({
      code: 'log-corrupt',
      retriable: false,
      context: { topic: 'payments', partition: 0, baseOffset: 1 },
    })
    expect((await damaged.fetch({ ...payments, fromOffset: 0, maxRecords: 1, maxBytes: 1 })).records).toHaveLength(1)
    expect(() => damaged.checkBatch({ ...payments, fromOffset: 1 })).toThrow(expect.objectContaining({ code: 'log-corrupt' }))
    expect(damaged.checkBatch({ ...payments, fromOffset: 0 })).toBe(1)
  })
})
