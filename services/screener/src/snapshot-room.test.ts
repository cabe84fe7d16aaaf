import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RAW_TOPICS } from '@riskledger/contracts'
import { parsePolicy } from '@riskledger/policy'
import { ScreeningStep, writeState, type WorkerState } from '@riskledger/screening'
import { ByteWriter } from '@riskledger/windows'
import { SnapshotRoom, type SnapshotRoomOptions } from './snapshot-room'
import { SnapshotTaker } from './snapshot-taker'
import type { SnapshotSpacing } from './worker-pace'

const step = new ScreeningStep({ partition: 0, partitionCount: 1, topics: RAW_TOPICS, dedupeKey: new Uint8Array(16) })
const policy = parsePolicy(readFileSync(join(__dirname, '../../../policies/default.yaml'), 'utf8'))
if (policy.kind !== 'accepted') throw new Error('the default policy is refused')
step.activate(policy)
const state: WorkerState = { step, nextOffsets: RAW_TOPICS.map(() => 0), tenure: null }
const written = (() => {
  const writer = new ByteWriter()
  writeState(state, writer)
  return writer.finish()
})()

/** Of copies that are paced. */
function spacing({ bytesPerSecond }: Pick<SnapshotRoomOptions, 'bytesPerSecond'>): { readonly snapshotSpacing?: SnapshotSpacing } {
  return bytesPerSecond === undefined ? {} : { snapshotSpacing: { minIntervalMs: 1_500, bytesPerSecond } }
}

function bench(options: Partial<SnapshotRoomOptions> = {}) {
  const clock = { nowMs: 1_000 }
  const given: SnapshotRoomOptions = { nowMs: () => clock.nowMs, bytesPerSecond: 10 * written.length, ...options }
  const room = new SnapshotRoom(given)
  const saves: { readonly name: string; readonly end: () => void; readonly fail: (error: Error) => void }[] = []
  const counted: string[] = []
  const taker = (stream: string, foldedInputs = 0, foldedEntries = 0): { next(): Promise<void>; due(): Promise<void> } => {
    const taker = new SnapshotTaker({
      snapshots: { save: (name) => new Promise<void>((end, fail) => saves.push({ name, end, fail })) },
      room,
      engineHash: '',
      folded: { inputs: foldedInputs, entries: foldedEntries },
      pace: { snapshotInputs: 10, snapshotEntries: 5, ...spacing(given) },
      nowMs: () => clock.nowMs,
      logger: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
      metrics: { count: (name: string) => counted.push(name), duration: () => undefined } as never,
      crashPoint: () => undefined,
    })
    const next = (): Promise<void> => taker.takeIfDue({ stream, revision: 0, entryHash: '' }, state)
    return {
      next,
      due: () => {
        taker.screened({ inputs: 10, entries: 1 })
        return next()
      },
    }
  }
  return { clock, room, saves, counted, taker }
}
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('a copy is what a state writes, in shared memory, and stays until it is saved', async () => {
  const { room } = bench()
  let copy: Uint8Array = new Uint8Array()
  let end: () => void = () => undefined
  const saved = room.copy(state, (bytes) => {
    copy = bytes
    return new Promise((resolve) => (end = resolve))
  })
  expect(copy.buffer).toBeInstanceOf(SharedArrayBuffer)
  expect(Buffer.from(copy)).toEqual(Buffer.from(written))
  expect(room.isSaving).toBe(true)
  end()
  await saved
  await room.whenSaved()
  expect(room.isSaving).toBe(false)
})

test('memory is prefaulted for as many bytes as the state takes, once, and never less than it takes', () => {
  const prefaulted: { readonly fromByte: number; readonly toByte: number }[] = []
  const { room } = bench({
    prefault: (_memory, range) => {
      prefaulted.push(range)
      return Promise.resolve()
    },
  })
  room.prepareFor(state)
  room.prepareFor(state)
  expect(prefaulted).toEqual([{ fromByte: 0, toByte: expect.any(Number) as number }])
  expect(prefaulted[0].toByte).toBeGreaterThanOrEqual(written.length)
  expect(prefaulted[0].toByte).toBeLessThan(written.length * 1.1)
})

test('partitions share the room: one is saved at a time, with time between two, and who had a turn lets the other go first', async () => {
  const { clock, saves, taker } = bench()
  const [one, other] = [taker('one'), taker('other')]
  await one.due()
  await other.due()
  expect(saves.map(({ name }) => name)).toEqual(['one'])
  saves[0].end()
  await settled()
  await other.due()
  expect(saves).toHaveLength(1)
  clock.nowMs += 100
  await one.due()
  expect(saves).toHaveLength(1)
  await other.due()
  expect(saves.map(({ name }) => name)).toEqual(['one', 'other'])
  saves[1].end()
  await settled()
  // The room is free again; the partition itself is not.
  clock.nowMs += 1_300
  await one.due()
  expect(saves).toHaveLength(2)
  clock.nowMs += 300
  await one.due()
  expect(saves.map(({ name }) => name)).toEqual(['one', 'other', 'one'])
})

test('the larger a state, the longer until the next copy', async () => {
  const { clock, saves, taker } = bench({ bytesPerSecond: written.length / 2 })
  const one = taker('one')
  await one.due()
  saves[0].end()
  await settled()
  clock.nowMs += 1_100 + 1_800
  await one.due()
  expect(saves).toHaveLength(1)
  clock.nowMs += 300
  await one.due()
  expect(saves).toHaveLength(2)
})

test('without a spacing each that is due waits for the one before', async () => {
  const { saves, taker } = bench({ bytesPerSecond: undefined })
  await taker('one').due()
  const waiting = taker('other').due()
  await settled()
  expect(saves).toHaveLength(1)
  saves[0].end()
  await waiting
  expect(saves.map(({ name }) => name)).toEqual(['one', 'other'])
})

test('of several that wait for the one before, each copies once nothing is being saved any more', async () => {
  const { room, saves, taker } = bench({ bytesPerSecond: undefined })
  await taker('one').due()
  const waiting = [taker('second').due(), taker('third').due()]
  await settled()
  saves[0].end()
  await settled()
  expect(saves.map(({ name }) => name)).toEqual(['one', 'second'])
  expect(room.isSaving).toBe(true)
  saves[1].end()
  await Promise.all(waiting)
  expect(saves.map(({ name }) => name)).toEqual(['one', 'second', 'third'])
})

test('no copy is made while its pages are being prefaulted; where that failed, it is', async () => {
  const ends: ((error?: Error) => void)[] = []
  const prefault = (): Promise<void> =>
    new Promise((resolve, reject) => ends.push((error) => (error === undefined ? resolve() : reject(error))))
  for (const error of [undefined, new Error('the thread is gone')]) {
    const { saves, taker } = bench({ prefault })
    const one = taker('one')
    await one.due()
    expect(saves).toHaveLength(0)
    ends.pop()!(error)
    await settled()
    await one.due()
    expect(saves).toHaveLength(1)
  }
})

test('what a restart folded counts, so that the next restart does not fold it again', async () => {
  const { clock, saves, taker } = bench()
  const one = taker('one', 10)
  await one.next()
  expect(saves).toHaveLength(1)
  saves[0].end()
  await settled()
  clock.nowMs += 2_000
  await one.next()
  expect(saves).toHaveLength(1)
  await taker('other', 9, 4).next()
  expect(saves).toHaveLength(1)
  await taker('of few inputs', 5, 5).next()
  expect(saves).toHaveLength(2)
})

test('memory that is not to be had is a snapshot less, and no more', async () => {
  const { counted, saves, taker } = bench({
    prefault: () => {
      throw new RangeError('no memory')
    },
  })
  await taker('one').due()
  expect(counted).toEqual(['riskledger_snapshots_failed_total'])
  expect(saves).toHaveLength(1)
})

test('one that cannot be saved is counted, and the next is taken', async () => {
  const { clock, saves, counted, taker } = bench()
  const one = taker('one')
  await one.due()
  saves[0].fail(new Error('the disk is full'))
  await settled()
  expect(counted).toEqual(['riskledger_snapshots_failed_total'])
  clock.nowMs += 2_000
  await one.due()
  expect(saves).toHaveLength(2)
})
