import { fork } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildSync } from 'esbuild'
import type { Snapshot, SnapshotStore } from '@riskledger/contracts'
import { openSnapshotStore } from './snapshot-store'
import type { SnapshotStoreOptions } from './snapshot-store'

let folder: string
let store: SnapshotStore | undefined
let damages: string[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'riskledger-snapshots-'))
  damages = []
})
afterEach(async () => {
  await store?.close()
  store = undefined
  rmSync(folder, { recursive: true })
})

async function openStore(options: Partial<SnapshotStoreOptions> = {}): Promise<SnapshotStore> {
  await store?.close()
  store = openSnapshotStore({ folder, onDamaged: ({ name, reason }) => damages.push(`${name}: ${reason}`), ...options })
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
    expect(damages).toEqual([])
  },
)

test('a state past the limit is refused, and the one before stays', async () => {
  const opened = await openStore({ maxStateBytes: 10 })
  await opened.save('p', snapshot(1))
  await expect(opened.save('p', snapshot(2, new Uint8Array(11)))).rejects.toMatchObject({ code: 'limit-reached', retriable: false })
  expect(await loaded(opened, 'p')).toEqual([snapshot(1)])
})

test('a damaged snapshot is left out and told of; the older one remains', async () => {
  const opened = await openStore()
  await opened.save('p', snapshot(1, Buffer.from('the older state '.repeat(1_000))))
  await opened.save('p', snapshot(2, Buffer.from('THE NEWER STATE '.repeat(1_000))))
  await opened.close()
  store = undefined
  const file = join(folder, 'data.mdb')
  const image = readFileSync(file)
  image[image.indexOf('THE NEWER STATE THE') + 4] ^= 1
  writeFileSync(file, image)
  expect((await loaded(await openStore(), 'p')).map(({ revision }) => revision)).toEqual([1])
  expect(damages).toEqual(['p: the checksum differs'])
})

test('killed between writing a snapshot and dropping the oldest: all are whole, and the next save tidies up', async () => {
  const program = join(folder, 'saving-process.cjs')
  const { outputFiles } = buildSync({
    entryPoints: [join(__dirname, '../testing/saving-process.ts')],
    bundle: true,
    platform: 'node',
    write: false,
    alias: { lmdb: require.resolve('lmdb') },
    external: [require.resolve('lmdb')],
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
  expect(damages).toEqual([])
}, 30_000)
