import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDecisionIndex } from './decision-index'
import type { DecisionIndex, IndexedKey } from './decision-index'

let folder: string
let index: DecisionIndex
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'riskledger-index-'))
  index = openDecisionIndex({ folder })
})
afterEach(async () => {
  await index.close()
  rmSync(folder, { recursive: true })
})

const idOf = (number: number): Uint8Array => createHash('md5').update(String(number)).digest()
const row = (number: number, revision = number): IndexedKey => ({
  key: idOf(number),
  position: { stream: `screening-${number % 3}`, revision, index: number % 7 },
})

test('finds every id through many puts of every size, and none that was not put', async () => {
  let next = 0
  const puts: Promise<void>[] = []
  for (let put = 0; put < 120; put++) {
    const size = [1, 3, 40, 500, 1_500][put % 5]
    puts.push(index.put(Array.from({ length: size }, () => row(next++))))
  }
  await Promise.all(puts)
  for (let number = 0; number < next; number += 151) expect(index.get(idOf(number))).toEqual(row(number).position)
  expect(index.get(idOf(next))).toBeUndefined()
})

test('the later put of an id wins, within a put and across many', async () => {
  for (let revision = 0; revision < 40; revision++) await index.put([row(1, revision), row(2), row(1, revision + 0.5 * 2)])
  expect(index.get(idOf(1))?.revision).toBe(40)
})

test('ids that begin alike, chosen by a stranger, are told apart', async () => {
  const keys = Array.from({ length: 3_000 }, (_, i) => Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, i >>> 8, i))
  await index.put(keys.map((key, i) => ({ key, position: { stream: 's', revision: 2 ** 40 + i, index: 2 ** 32 - 1 } })))
  for (const i of [0, 1_234, 2_999]) expect(index.get(keys[i])).toEqual({ stream: 's', revision: 2 ** 40 + i, index: 2 ** 32 - 1 })
})

test('heads and ids survive closing, and another handle sees new ones', async () => {
  expect(index.head('screening-1')).toBeUndefined()
  const another = openDecisionIndex({ folder, readOnly: true })
  const head = { stream: 'screening-1', revision: 1, entryHash: 'ab'.repeat(32) }
  await index.put([row(1)], head)
  await index.put([row(2)])
  expect(another.head('screening-1')).toEqual(head)
  expect(another.head('screening-2')).toBeUndefined()
  expect(another.get(idOf(2))).toEqual(row(2).position)
  await another.close()
  const later = { stream: 'screening-1', revision: 5, entryHash: 'cd'.repeat(32) }
  await index.put([], later)
  await index.close()
  index = openDecisionIndex({ folder })
  expect(index.head('screening-1')).toEqual(later)
  expect(index.get(idOf(1))).toEqual(row(1).position)
})

test('an id of another length is a programmer error', async () => {
  expect(() => index.get(new Uint8Array(15))).toThrow(TypeError)
  await expect(index.put([{ key: new Uint8Array(17), position: { stream: 's', revision: 0, index: 0 } }])).rejects.toThrow(TypeError)
})
