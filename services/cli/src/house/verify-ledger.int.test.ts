import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { open, type Database } from 'lmdb'
import { runCommand, runJson } from '../testing/run-command'
import { temporaryFolder, writeSmallScenario } from '../testing/small-scenario'
import type { Fault } from './verify-ledger'

const JOURNAL = 'screening-000.0000'
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let whole: string

beforeAll(async () => {
  folder = await temporaryFolder()
  whole = join(folder.path, 'whole')
  const events = join(folder.path, 'events.ndjson')
  await writeSmallScenario(events)
  await runJson('screen', events, '--data-dir', whole)
})
afterAll(() => folder.remove())

/** Where the appends of a stream are: the revision that each begins with, and its position. */
type Row = readonly [firstRevision: number, position: number]

interface Store {
  readonly records: Database<Buffer, number>
  readonly index: Database<number, [number, number]>
  readonly streamNumber: number
  readonly rows: readonly Row[]
}

/** A copy of the folder whose ledger was altered. */
async function altered(name: string, stream: string, alter: (store: Store) => void): Promise<string> {
  const copy = join(folder.path, name)
  await cp(whole, copy, { recursive: true, filter: (path) => !path.includes('lock') })
  const root = open({ path: join(copy, 'ledger'), noSubdir: false, maxDbs: 8 })
  const records = root.openDB<Buffer, number>({ name: 'records', encoding: 'binary' })
  const index = root.openDB<number, [number, number]>({ name: 'index', encoding: 'ordered-binary' })
  const streamNumber = root.openDB<number, string>({ name: 'numbers', encoding: 'ordered-binary' }).get(stream)!
  const rows = [...index.getRange({ start: [streamNumber, 0], end: [streamNumber + 1, 0] })].map(({ key, value }): Row => [key[1], value])
  alter({ records, index, streamNumber, rows })
  await root.close()
  return copy
}

function remove({ records, index, streamNumber }: Store, rows: readonly Row[]): void {
  for (const [firstRevision, position] of rows) {
    records.removeSync(position)
    index.removeSync([streamNumber, firstRevision])
  }
}

async function faultsOf(dataDir: string): Promise<readonly Fault[]> {
  const { value, code } = await runJson<{ faults: readonly Fault[] }>('verify', '--data-dir', dataDir)
  expect(code).toBe(value.faults.length > 0 ? 3 : 0)
  return value.faults
}

const containing = (text: string): string => expect.stringContaining(text) as string

test('a folder that nobody altered has no fault', async () => {
  expect(await faultsOf(whole)).toEqual([])
})

test('the registry is removed', async () => {
  const dataDir = await altered('registry', 'partitions', (store) => remove(store, store.rows))
  expect(await faultsOf(dataDir)).toMatchObject([{ stream: JOURNAL, revision: -1, reason: containing('does not name this journal') }])
})

test('relations are removed', async () => {
  const dataDir = await altered('relations', 'relations-000', (store) => remove(store, store.rows))
  expect(await faultsOf(dataDir)).toMatchObject([
    { stream: 'relations-000', revision: -1, reason: containing('the ledger has no entry of it: it was removed') },
  ])
})

test('the journal is cut off behind its first append', async () => {
  const dataDir = await altered('cut', JOURNAL, (store) => remove(store, store.rows.slice(1)))
  expect(await faultsOf(dataDir)).toMatchObject([{ stream: JOURNAL, revision: -1, reason: containing('its end was cut off') }])
})

test('the index loses the last append', async () => {
  const dataDir = await altered('end', JOURNAL, ({ index, streamNumber, rows }) => index.removeSync([streamNumber, rows.at(-1)![0]]))
  expect(await faultsOf(dataDir)).toMatchObject([{ stream: JOURNAL, revision: -1, reason: containing('reading the stream ends at @') }])
})

test('the index loses an append in the middle: replay does not take it for the end', async () => {
  let lost = 0
  const dataDir = await altered('hole', JOURNAL, ({ index, streamNumber, rows }) => {
    lost = rows[Math.floor(rows.length / 2)][0]
    index.removeSync([streamNumber, lost])
  })
  const { code, err } = await runCommand('replay', '--data-dir', dataDir)
  expect(code).toBe(3)
  expect(err).toContain(`${JOURNAL}: revision ${lost} is missing from the index`)
})
