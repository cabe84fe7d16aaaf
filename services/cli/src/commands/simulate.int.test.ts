import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { runCommand, runJson } from '../testing/run-command'
import { temporaryFolder } from '../testing/small-scenario'

const SMALL = ['--accounts', '60', '--days', '10', '--seed', '3']
let folder: Awaited<ReturnType<typeof temporaryFolder>>

beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(() => folder.remove())

test('writes events and labels, and tells what it made as one object', async () => {
  const out = join(folder.path, 'events.ndjson')
  const { code, value } = await runJson<{ lines: number; labels: number; cases: number }>('simulate', ...SMALL, '--out', out)
  expect(code).toBe(0)
  const lines = (await readFile(out, 'utf8')).trimEnd().split('\n')
  const labels = JSON.parse(await readFile(`${out}.labels.json`, 'utf8')) as { kind: string }[]
  expect(value).toMatchObject({ file: out, labelsFile: `${out}.labels.json`, lines: lines.length, labels: labels.length, cases: 5 })
  expect(labels.some((label) => label.kind === 'case')).toBe(true)
})

test('the same seed gives the same bytes, packed or plain', async () => {
  const plain = join(folder.path, 'plain.ndjson')
  const packed = join(folder.path, 'packed.ndjson.gz')
  expect((await runCommand('simulate', ...SMALL, '--out', plain)).out).toContain('planted     5 cases')
  await runCommand('simulate', ...SMALL, '--out', packed)
  expect(gunzipSync(await readFile(packed)).equals(await readFile(plain))).toBe(true)
  expect((await readFile(`${packed}.labels.json`)).equals(await readFile(`${plain}.labels.json`))).toBe(true)
})

test('writes over nothing unless told to', async () => {
  const out = join(folder.path, 'events.ndjson')
  await runCommand('simulate', ...SMALL, '--out', out)
  const { code, err } = await runCommand('simulate', ...SMALL, '--out', out)
  expect(code).toBe(2)
  expect(err).toContain('--force')
  expect((await runCommand('simulate', ...SMALL, '--out', out, '--force')).code).toBe(0)
})

test.each([
  [['--accounts', '5'], /--accounts is 5; it must be an integer from 60 to 1000000/],
  [['--days', 'ten'], /--days is ten; it is a whole number/],
])('refuses %j and leaves nothing', async (flags, message) => {
  const { code, err } = await runCommand('simulate', ...flags, '--out', join(folder.path, 'events.ndjson'))
  expect(code).toBe(2)
  expect(err).toMatch(message)
  expect(await readdir(folder.path)).toEqual([])
})

test('asks for a file', async () => {
  expect((await runCommand('simulate')).code).toBe(2)
})
