import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { LedgerRows } from '@riskledger/ledger-server/src/testing/ledger-rows'
import { runCommand, runJson } from '../testing/run-command'
import { screenSmallScenario, temporaryFolder } from '../testing/small-scenario'
import type { Fault } from './verify-ledger'

const JOURNAL = 'screening-000.0000'
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let whole: string

beforeAll(async () => {
  folder = await temporaryFolder()
  whole = (await screenSmallScenario(folder.path)).dataDir
})
afterAll(() => folder.remove())

/** A copy of the folder whose ledger was altered. */
async function altered(name: string, stream: string, alter: (ledger: LedgerRows) => void): Promise<string> {
  const copy = join(folder.path, name)
  await cp(whole, copy, { recursive: true, filter: (path) => !path.includes('lock') })
  const ledger = new LedgerRows(join(copy, 'ledger'), stream)
  alter(ledger)
  await ledger.close()
  return copy
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
  const dataDir = await altered('registry', 'partitions', (ledger) => ledger.remove(ledger.rows))
  expect(await faultsOf(dataDir)).toMatchObject([{ stream: JOURNAL, revision: -1, reason: containing('does not name this journal') }])
})

test('relations are removed', async () => {
  const dataDir = await altered('relations', 'relations-000', (ledger) => ledger.remove(ledger.rows))
  expect(await faultsOf(dataDir)).toMatchObject([
    { stream: 'relations-000', revision: -1, reason: containing('the ledger has no entry of it: it was removed') },
  ])
})

test('the journal is cut off behind its first append', async () => {
  const dataDir = await altered('cut', JOURNAL, (ledger) => ledger.remove(ledger.rows.slice(1)))
  expect(await faultsOf(dataDir)).toMatchObject([{ stream: JOURNAL, revision: -1, reason: containing('its end was cut off') }])
})

test('the index loses the last append', async () => {
  const dataDir = await altered('end', JOURNAL, (ledger) => ledger.loseFromIndex(ledger.rows.at(-1)![0]))
  expect(await faultsOf(dataDir)).toMatchObject([{ reason: containing(`stream ${JOURNAL}: revision `) }])
})

test('the index loses an append in the middle: neither verify nor replay take it for the end', async () => {
  let lost = 0
  const dataDir = await altered('hole', JOURNAL, (ledger) => {
    lost = ledger.rows[Math.floor(ledger.rows.length / 2)][0]
    ledger.loseFromIndex(lost)
  })
  expect(await faultsOf(dataDir)).toMatchObject([{ reason: containing(`stream ${JOURNAL}: revision ${lost} is missing from the index`) }])
  const { code, err } = await runCommand('replay', '--data-dir', dataDir)
  expect(code).toBe(3)
  expect(err).toContain(`${JOURNAL}: revision ${lost} is missing from the index`)
})
