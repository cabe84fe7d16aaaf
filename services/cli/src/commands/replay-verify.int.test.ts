import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand, runJson } from '../testing/run-command'
import { screenSmallScenario, temporaryFolder } from '../testing/small-scenario'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let dataDir: string

beforeAll(async () => {
  folder = await temporaryFolder()
  dataDir = (await screenSmallScenario(folder.path, { hours: 2 })).dataDir
})

afterAll(() => folder.remove())

test('replays everything, and up to an entry', async () => {
  expect((await runJson('replay', '--data-dir', dataDir)).value).toMatchObject({ mismatches: 0, firstMismatch: null })
  expect((await runJson('replay', '--at', 'screening-000.0000@0', '--data-dir', dataDir)).value).toMatchObject({ inputs: 0, mismatches: 0 })
})

test.each([
  ['an entry past the end', 'screening-000.0000@99999', 'the journal ends at @'],
  ['a partition that is not there', 'screening-005.0000@3', 'screening-005.0000 is not in this ledger'],
  ['a segment that is not there', 'screening-000.0009@3', 'screening-000.0009 is not in this ledger'],
])('does not prove %s', async (_what, at, message) => {
  const { code, err } = await runCommand('replay', '--at', at, '--data-dir', dataDir)
  expect(code).toBe(2)
  expect(err).toContain(message)
})

test('a ledger that has vanished is a fault, and nothing to replay', async () => {
  const emptied = join(folder.path, 'emptied')
  await cp(dataDir, emptied, { recursive: true, filter: (path) => !path.includes('lock') })
  await rm(join(emptied, 'ledger'), { recursive: true })
  const { value, code } = await runJson<{ faults: { stream: string }[] }>('verify', '--data-dir', emptied)
  expect(code).toBe(3)
  expect(value.faults).toMatchObject([{ stream: 'screening-000.0000' }])
  expect((await runCommand('replay', '--data-dir', emptied)).code).toBe(2)
})
