import { fork } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildSync } from 'esbuild'
import type { Snapshot, SnapshotStore } from '@riskledger/contracts'
import { openSnapshotStore } from './snapshot-store'
import type { SnapshotStoreOptions } from './snapshot-store'

let folder: string
let store: SnapshotStore | undefined
let told: string[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'riskledger-snapshots-'))
  told = []
})
afterEach(async () => {
  await store?.close()
  store = undefined
  rmSync(folder, { recursive: true })
})

async function openStore(options: Partial<SnapshotStoreOptions> = {}): Promise<SnapshotStore> {
  await store?.close()
  store = openSnapshotStore({ folder, onDamaged: ({ name, reason }) => told.push(`${name}: ${reason}`), ...options })
  return store
}

async function loaded(from: SnapshotStore, name: string): Promise<readonly Snapshot[]> {
  const snapshots: Snapshot[] = []
  for await (const one of from.load(name)) snapshots.push(one)
  return snapshots
}

function snapshot(revision: number, state: Uint8Array = Uint8Array.of(revision)): Snapshot {
  return { stream: 'screening-000.0001', revision, entryHash: `hash-${revision}`, formatHash: 'format', state }
}

function flipped(image: Buffer, at: number): Buffer {
  image[at] ^= 1
  return image
}

/** With another text in its head. */
function headOf(image: Buffer, text: string, other: string): Buffer {
  const from = image.lastIndexOf('{"version"')
  const json = Buffer.from(image.subarray(from, -36).toString('utf8').replace(text, other))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(json.length)
  return Buffer.concat([image.subarray(0, from), json, image.subarray(-36, -4), length])
}

test('tells where the newest stands without reading its state, and of nothing that it cannot read', async () => {
  const store = await openStore()
  expect(await store.newest('partition-0')).toBeNull()
  for (const revision of [1, 2]) await store.save('partition-0', snapshot(revision, new Uint8Array(3_000_000)))
  const { state: _state, ...place } = snapshot(2)
  expect(await store.newest('partition-0')).toEqual(place)
  const [, newest] = readdirSync(folder).sort()
  writeFileSync(join(folder, newest), 'short')
  expect(await store.newest('partition-0')).toBeNull()
  expect(told).toEqual([])
})

test('gives back the newest two of a name, newest first, also after it was opened again', async () => {
  const first = await openStore()
  for (const revision of [1, 2, 3]) await first.save('partition-0', snapshot(revision))
  await first.save('partition-00', snapshot(9))
  const again = await openStore()
  expect(await loaded(again, 'partition-0')).toEqual([snapshot(3), snapshot(2)])
  expect(await loaded(again, 'partition-00')).toEqual([snapshot(9)])
  expect(await loaded(again, 'partition')).toEqual([])
})

test('saves made at once are kept in their order', async () => {
  const opened = await openStore()
  await Promise.all([1, 2, 3, 4].map((revision) => opened.save('p', snapshot(revision))))
  expect((await loaded(opened, 'p')).map(({ revision }) => revision)).toEqual([4, 3])
})

test.each([0, 1, 2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, 5 * 2 ** 20 + 17])(
  'a state of %d bytes comes back byte for byte',
  async (stateBytes) => {
    const opened = await openStore()
    const state = new Uint8Array(stateBytes).map((_, i) => (i * 31) & 0xff)
    await opened.save('p', snapshot(1, state))
    const [newest] = await loaded(opened, 'p')
    expect(Buffer.compare(newest.state, state)).toBe(0)
    expect(told).toEqual([])
  },
)

test('a state past the limit is refused, and the one before stays', async () => {
  const opened = await openStore({ maxStateBytes: 10 })
  await opened.save('p', snapshot(1))
  await expect(opened.save('p', snapshot(2, new Uint8Array(11)))).rejects.toMatchObject({ code: 'limit-reached', retriable: false })
  expect(await loaded(opened, 'p')).toEqual([snapshot(1)])
})

describe('a damaged snapshot is left out and told of; the older one remains:', () => {
  const damages: readonly (readonly [string, (image: Buffer) => Buffer, string])[] = [
    ['a flipped bit of its state', (image) => flipped(image, image.indexOf('THE NEWER') + 4), 'the checksum differs'],
    ['another entry', (image) => flipped(image, image.indexOf('hash-2') + 5), 'the checksum differs'],
    [
      'another form',
      (image) => Buffer.from(image.toString('latin1').replace('"version":4', '"version":3'), 'latin1'),
      'form 3 instead of 4',
    ],
    ['a length of its head that cannot be', (image) => flipped(image, image.length - 1), 'a head of'],
    ['a head that is no JSON', (image) => flipped(image, image.lastIndexOf('{"version"')), 'JSON'],
    ['cut short at its end', (image) => image.subarray(0, -5), 'a head of'],
    ['cut down to nothing', (image) => image.subarray(0, 0), '0 bytes'],
    [
      'a state larger than there may be',
      (image) => headOf(image, '"stateBytes":16000', '"stateBytes":1600000000000'),
      'a state of 1600000000000 bytes',
    ],
    ['chunks of another state', (image) => headOf(image, '"stateBytes":16000', '"stateBytes":16000000'), '1 chunks for 16000000 bytes'],
    [
      'a chunk larger than there may be',
      (image) => headOf(image, '"chunkWords":[4125]', '"chunkWords":[4125000]'),
      'a chunk of 4125000 words',
    ],
    ['a shorter chunk', (image) => headOf(image, '"chunkWords":[4125]', '"chunkWords":[4124]'), 'chunk 1 is damaged'],
    ['without its first half', (image) => image.subarray(image.length / 2), 'it ends at byte'],
  ]

  test.each(damages)('%s', async (_what, damage, reason) => {
    const opened = await openStore()
    await opened.save('p', snapshot(1, Buffer.from('the older state '.repeat(1_000))))
    await opened.save('p', snapshot(2, Buffer.from('THE NEWER STATE '.repeat(1_000))))
    const file = join(folder, 'p.0000000002')
    writeFileSync(file, damage(readFileSync(file)))
    expect((await loaded(opened, 'p')).map(({ revision }) => revision)).toEqual([1])
    expect(told).toEqual([expect.stringContaining(reason)])
  })
})

test('what a crash left half-written goes with the first save', async () => {
  const opened = await openStore()
  for (const left of ['p.part', 'of-another.part', 'data.mdb']) writeFileSync(join(folder, left), 'half of a snapshot')
  expect(await loaded(opened, 'p')).toEqual([])
  await opened.save('p', snapshot(1))
  expect(await loaded(opened, 'p')).toEqual([snapshot(1)])
  expect(readdirSync(folder)).toEqual(['p.0000000001'])
})

test('a folder that somebody removed is an empty one, and made again', async () => {
  const opened = await openStore()
  rmSync(folder, { recursive: true })
  expect(await loaded(opened, 'p')).toEqual([])
  await opened.save('p', snapshot(1))
  expect(await loaded(opened, 'p')).toEqual([snapshot(1)])
  expect(told).toEqual([])
})

test('where the disk does not do what it should, that is told and nothing half-written stays', async () => {
  const opened = await openStore()
  // In place of one that should go stands what cannot be removed.
  mkdirSync(join(folder, 'p.0000000001', 'full'), { recursive: true })
  await opened.save('p', snapshot(2))
  await expect(opened.save('p', snapshot(3))).rejects.toMatchObject({ code: 'snapshot-unusable', retriable: false })
  expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([])
})

test('a store that is being closed writes what is left without pauses', async () => {
  const opened = await openStore()
  const state = new Uint8Array(3 * 2 ** 20).fill(7)
  const saved = opened.save('p', snapshot(1, state))
  await opened.close()
  await saved
  const again = await openStore()
  expect((await loaded(again, 'p')).map((one) => Buffer.compare(one.state, state))).toEqual([0])
})

test('killed between writing a snapshot and dropping the oldest: all are whole, and the next save tidies up', async () => {
  const program = join(folder, 'saving-process.cjs')
  const { outputFiles } = buildSync({
    entryPoints: [join(__dirname, '../testing/saving-process.ts')],
    bundle: true,
    platform: 'node',
    write: false,
  })
  writeFileSync(program, outputFiles[0].contents)
  const signal = await new Promise((resolve, reject) => {
    const child = fork(program, [folder])
    child.on('error', reject)
    child.on('exit', (_, by) => resolve(by))
  })
  expect(signal).toBe('SIGKILL')
  const opened = await openStore()
  expect((await loaded(opened, 'p')).map(({ revision }) => revision)).toEqual([3, 2, 1])
  await opened.save('p', snapshot(4))
  expect((await loaded(opened, 'p')).map(({ revision }) => revision)).toEqual([4, 3])
  expect(told).toEqual([])
}, 30_000)
