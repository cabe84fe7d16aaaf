import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Snapshot } from '@riskledger/contracts'
import { KeptLogger } from '@riskledger/testing'
import { ThreadedSnapshots } from './threaded-snapshots'

let folder: string
let snapshots: ThreadedSnapshots
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'riskledger-snapshots-'))
  snapshots = await opened()
})
afterEach(async () => {
  await snapshots.close()
  rmSync(folder, { recursive: true })
})

async function opened(): Promise<ThreadedSnapshots> {
  const threaded = new ThreadedSnapshots(folder, new KeptLogger())
  await threaded.ready
  return threaded
}

const at = (stream: string, revision: number): Snapshot => ({
  stream,
  revision,
  entryHash: 'a'.repeat(64),
  formatHash: 'b'.repeat(64),
  state: Uint8Array.of(revision),
})

async function loaded(name: string): Promise<readonly number[]> {
  const revisions: number[] = []
  for await (const { revision } of snapshots.load(name)) revisions.push(revision)
  return revisions
}

test('what is loaded ahead is handed to who loads it next, once, with the older ones behind it', async () => {
  for (const revision of [1, 2]) await snapshots.save('one', at('one', revision))
  snapshots.loadAhead('one')
  // Answered behind what was loaded ahead, which is therefore of before this.
  await snapshots.newest('one')
  await snapshots.save('one', at('one', 3))
  expect((await loaded('one'))[0]).toBe(2)
  expect(await loaded('one')).toEqual([3, 2])
})

test.each(['another', null])('what nobody came for is forgotten for %p', async (next) => {
  await snapshots.save('one', at('one', 1))
  snapshots.loadAhead('one')
  await snapshots.newest('one')
  snapshots.loadAhead(next)
  await snapshots.save('one', at('one', 2))
  expect(await loaded('one')).toEqual([2, 1])
})

test('tells where the newest stands, and of none', async () => {
  const { state: _state, ...place } = at('one', 7)
  await snapshots.save('one', at('one', 7))
  expect(await snapshots.newest('one')).toEqual(place)
  expect(await snapshots.newest('another')).toBeNull()
})

test('once it is closed whoever loads ahead hears of it as it loads', async () => {
  await snapshots.close()
  snapshots.loadAhead('one')
  await expect(loaded('one')).rejects.toThrow('the snapshot store was closed')
})

test('a save under way is finished by closing', async () => {
  const saved = snapshots.save('one', at('one', 1))
  await snapshots.close()
  await saved
  snapshots = await opened()
  expect(await loaded('one')).toEqual([1])
})

test('where the thread that saves died, the next save has another', async () => {
  rmSync(folder, { recursive: true })
  writeFileSync(folder, '')
  await expect(snapshots.save('one', at('one', 1))).rejects.toThrow('cannot be opened')
  rmSync(folder)
  await snapshots.save('one', at('one', 2))
  expect(await loaded('one')).toEqual([2])
})

test('once it is closed nothing is saved, and no thread is started for it', async () => {
  await snapshots.close()
  await expect(snapshots.save('one', at('one', 1))).rejects.toThrow('the snapshot store was closed')
})
