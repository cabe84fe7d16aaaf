import { existsSync, fstatSync, statSync } from 'node:fs'
import { cp, type FileHandle, mkdir, open, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EMBEDDED, openHouse } from '../house/open-house'
import { runCommand, runJson } from '../testing/run-command'
import { temporaryFolder, writeSmallScenario } from '../testing/small-scenario'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let dataDir: string
let events: string
let digest: string

beforeAll(async () => {
  folder = await temporaryFolder()
  dataDir = join(folder.path, 'data')
  events = join(folder.path, 'events.ndjson')
  await writeSmallScenario(events, { hours: 2 })
  const { value } = await runJson<{ journalDigest: string }>('screen', events, '--data-dir', dataDir)
  digest = value.journalDigest
})

afterAll(() => folder.remove())

test('copies ledger, log and folder file, and the copy goes on where the folder stood', async () => {
  const out = join(folder.path, 'copy')
  const { value, code } = await runJson<{ inputs: number; logRecords: number }>('backup', '--out', out, '--data-dir', dataDir)
  expect(code).toBe(0)
  expect(value).toMatchObject({ folder: out, verified: true })
  expect(value.logRecords).toBe(value.inputs)
  expect((await readdir(out)).sort()).toEqual(['ledger', 'log', 'riskledger.json'])
  expect((await runJson('screen', events, '--data-dir', out)).value).toMatchObject({ journalDigest: digest, takenNow: 0 })
})

test('copies a folder that is in use', async () => {
  const out = join(folder.path, 'copy-in-use')
  const house = await openHouse({ ...EMBEDDED, dataDir, command: 'riskledger up' })
  try {
    const { out: text, code } = await runCommand('backup', '--out', out, '--data-dir', dataDir)
    expect(code).toBe(0)
    expect(text).toMatch(/verified {4}\d+ entries of \d+ streams, \d+ inputs, \d+ records of the log: no fault/)
  } finally {
    await house.close()
  }
  expect((await runJson('verify', '--data-dir', out)).value).toMatchObject({ faults: [] })
})

test('is never written over anything', async () => {
  const full = join(folder.path, 'full')
  await mkdir(full)
  await writeFile(join(full, 'mine.txt'), 'mine')
  const { code, err } = await runCommand('backup', '--out', full, '--data-dir', dataDir)
  expect(code).toBe(2)
  expect(err).toContain('is not empty')
  expect(await readdir(full)).toEqual(['mine.txt'])
  expect((await runCommand('backup', '--out', join(full, 'mine.txt'), '--data-dir', dataDir)).err).toContain('is a file')
})

test('is never made inside of the data folder, and may lie beside or around it under any name', async () => {
  for (const inside of ['.', 'backup', '..backup', '...'])
    expect((await runCommand('backup', '--out', join(dataDir, inside), '--data-dir', dataDir)).err).toContain('inside of the data folder')
  expect((await runCommand('backup', '--out', join(folder.path, '..beside'), '--data-dir', dataDir)).code).toBe(0)
  expect((await runCommand('backup', '--out', folder.path, '--data-dir', dataDir)).err).toContain('is not empty')
})

test('is flushed with its name before it is reported', async () => {
  const out = join(folder.path, 'copy-flushed')
  const named: number[] = []
  const code = await watchingFlushes(
    async () => (await runCommand('backup', '--out', out, '--data-dir', dataDir)).code,
    (inode) => existsSync(out) && named.push(inode),
  )
  expect(code).toBe(0)
  expect(named).toEqual([statSync(folder.path).ino])
})

test('an empty folder is taken', async () => {
  const empty = join(folder.path, 'empty')
  await mkdir(empty)
  expect((await runCommand('backup', '--out', empty, '--data-dir', dataDir)).code).toBe(0)
})

test('of a damaged folder says so and leaves nothing', async () => {
  const damaged = join(folder.path, 'damaged')
  await cp(dataDir, damaged, { recursive: true })
  await rm(join(damaged, 'lock'), { recursive: true })
  await alterInputs(join(damaged, 'log', 'data.mdb'))
  const out = join(folder.path, 'copy-of-damaged')
  const { code, err } = await runCommand('backup', '--out', out, '--data-dir', damaged)
  expect(code).toBe(3)
  expect(err).toMatch(/damaged|does not match/)
  expect(existsSync(out)).toBe(false)
  expect((await readdir(folder.path)).filter((name) => name.includes('partial'))).toEqual([])
  expect(existsSync(join(damaged, 'log', 'data.mdb'))).toBe(true)
})

test.each([
  [['--out', 'somewhere', '--data-dir', '/nowhere/at/all'], /is not a data folder/],
  [[], /--out/],
])('refuses %j', async (flags, message) => {
  const { code, err } = await runCommand('backup', ...flags)
  expect(code).toBe(2)
  expect(err).toMatch(message)
})

/** Flips bytes in the middle of what the log holds: every place where an account's id stands. */
async function alterInputs(file: string): Promise<void> {
  const handle = await open(file, 'r+')
  try {
    const bytes = await handle.readFile()
    for (let at = bytes.indexOf('a-00'); at >= 0; at = bytes.indexOf('a-00', at + 1)) await handle.write('b', at)
  } finally {
    await handle.close()
  }
}

/** Tells of the inode of each file and folder that is flushed by a handle meanwhile. */
async function watchingFlushes<T>(run: () => Promise<T>, onFlush: (inode: number) => void): Promise<T> {
  const handle = await open(folder.path)
  const handles = Object.getPrototypeOf(handle) as FileHandle
  await handle.close()
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called on each handle below
  const { sync } = handles
  const spy = jest.spyOn(handles, 'sync').mockImplementation(function (this: FileHandle) {
    onFlush(fstatSync(this.fd).ino)
    return sync.call(this)
  })
  try {
    return await run()
  } finally {
    spy.mockRestore()
  }
}
