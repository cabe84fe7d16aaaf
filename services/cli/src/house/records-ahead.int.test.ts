import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import type { RecordedEntry } from '@riskledger/contracts'
import { checkedEntries, emptyHead, sealEntry, ZERO_HASH, type ChainHead, type CheckedEntry } from '@riskledger/journal'
import { entriesAhead } from '@riskledger/screener'
import { temporaryFolder } from '../testing/small-scenario'
import { recordsAhead } from './records-ahead'
import { EMBEDDED, openHouse, type House } from './open-house'

const WHOLE = 'screening-000.0000'
const BROKEN = 'screening-001.0000'
/** Four to a pack, and more than twice as many packs as may be under way. */
const COUNT = 80

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let house: House

beforeAll(async () => {
  folder = await temporaryFolder()
  house = await openHouse({ ...EMBEDDED, dataDir: join(folder.path, 'data'), command: 'test' })
  await append(emptyHead(WHOLE), COUNT)
  const head = await append(emptyHead(BROKEN), 6)
  await append({ ...head, entryHash: 'f'.repeat(64) }, 2)
})

afterAll(async () => {
  await house.close()
  await folder.remove()
})

async function append(from: ChainHead, count: number): Promise<ChainHead> {
  let head = from
  for (let n = 0; n < count; n++) {
    const data = Buffer.alloc(64 * 1024, randomBytes(100))
    const sealed = sealEntry(head, {
      type: 'InputsScreened',
      contentType: 'binary',
      data,
      ...(n % 2 === 0 ? { deflated: deflateRawSync(data, { level: 1 }) } : {}),
      metadata: { engineHash: ZERO_HASH, policyHash: ZERO_HASH, firstSequence: n, lastSequence: n },
    })
    await house.ledger.append(head.stream, head.revision < 0 ? 'no-stream' : head.revision, [sealed.proposed])
    head = sealed.head
  }
  return head
}

/** Data as text: buffers and byte arrays of the same bytes are the same here. */
async function allOf(entries: AsyncIterable<CheckedEntry>): Promise<object[]> {
  const all: object[] = []
  for await (const { revision, opened } of entries) {
    if (opened.kind === 'faulty') all.push({ revision, ...opened })
    else {
      const { data, storedBytes, id, type, metadata, head } = opened.entry
      all.push({ revision, storedBytes, id, type, metadata, head, data: Buffer.from(data).toString('base64') })
    }
  }
  return all
}

function ahead(stream: string, until: number | null = null): AsyncGenerator<CheckedEntry, void, undefined> {
  return entriesAhead({ connectionString: house.connectionString, after: emptyHead(stream), until })
}

test('gives what reading here gives, also more than may be under way', async () => {
  const expected = await allOf(checkedEntries(house.ledger, emptyHead(WHOLE)))
  expect(expected).toHaveLength(COUNT)
  expect(await allOf(ahead(WHOLE))).toEqual(expected)
})

test('a faulty entry is the last, with its reason, behind all that are whole', async () => {
  const expected = await allOf(checkedEntries(house.ledger, emptyHead(BROKEN)))
  expect(expected).toHaveLength(7)
  expect(expected[6]).toMatchObject({ kind: 'faulty', revision: 6 })
  expect(await allOf(ahead(BROKEN))).toEqual(expected)
})

test('ends at an entry in the middle', async () => {
  expect(await allOf(ahead(WHOLE, 9))).toEqual((await allOf(checkedEntries(house.ledger, emptyHead(WHOLE)))).slice(0, 10))
})

test('a journal that is not there is an error of the same code', async () => {
  await expect(allOf(ahead('screening-009.0000'))).rejects.toMatchObject({ name: 'RiskError', code: 'stream-not-found' })
})

test('a ledger that does not answer is one, too', async () => {
  const entries = entriesAhead({ connectionString: 'not a connection string', after: emptyHead(WHOLE), until: null })
  await expect(allOf(entries)).rejects.toThrow()
})

test('whoever leaves early leaves no thread behind that waits to hand over', async () => {
  for await (const { revision } of ahead(WHOLE)) {
    if (revision === 2) break
  }
})

test('gives what reading all gives here, metadata and all', async () => {
  const recordsOf = async (records: AsyncIterable<RecordedEntry>): Promise<object[]> => {
    const all: object[] = []
    for await (const record of records) all.push({ ...record, data: [...record.data.subarray(0, 400)], metadata: [...record.metadata] })
    return all
  }
  const streamPrefixes = ['screening-']
  const expected = await recordsOf(house.ledger.readAll({ streamPrefixes }))
  expect(expected).toHaveLength(COUNT + 8)
  expect(await recordsOf(recordsAhead({ connectionString: house.connectionString, streamPrefixes }))).toEqual(expected)
})
