import * as fs from 'node:fs'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { open } from 'lmdb'
import { findStoreDamage, RiskError } from '@riskledger/contracts'
import { copyLedger } from './copy-ledger'
import { LmdbStorage } from './lmdb-storage'

const PAGE_BYTES = 4096

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'riskledger-store-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const damageOf = (file: string, readOnly = false): string | null => findStoreDamage(file, { fs, readOnly })

/** A store's folder with some entries, closed; every value that it must still hold. */
async function makeStore(
  path: string,
  { changes, overlappingSync }: { readonly changes: readonly (readonly [key: number, bytes: number])[]; readonly overlappingSync: boolean },
): Promise<Map<number, number>> {
  const store = open<Buffer, number>({ path, noSubdir: false, encoding: 'binary', overlappingSync })
  const named = store.openDB<Buffer, number>({ name: 'named', encoding: 'binary' })
  const held = new Map<number, number>()
  for (let at = 0; at < changes.length; at += 8) {
    await named.transaction(() => {
      for (const [key, bytes] of changes.slice(at, at + 8)) {
        if (bytes === 0) void named.remove(key)
        else void named.put(key, Buffer.alloc(bytes, key))
        if (bytes === 0) held.delete(key)
        else held.set(key, bytes)
      }
    })
    // Also while it is in use, by writers and before everything is flushed.
    expect(damageOf(join(path, 'data.mdb'))).toBeNull()
    expect(damageOf(join(path, 'data.mdb'), true)).toBeNull()
  }
  await store.close()
  return held
}

/** Reads a whole store, which LMDB survives only if the file has every page that is in use. */
async function readStore(path: string): Promise<Map<number, number>> {
  const store = open<Buffer, number>({ path, noSubdir: false, encoding: 'binary', readOnly: true })
  const held = new Map<number, number>()
  for (const { key, value } of store.openDB<Buffer, number>({ name: 'named', encoding: 'binary' }).getRange()) held.set(key, value.length)
  await store.close()
  return held
}

const changes = fc.array(fc.tuple(fc.nat(40), fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 300 }), fc.constantFrom(5_000, 30_000))), {
  minLength: 1,
  maxLength: 120,
})

test('a store is whole whatever was done to it, and of one that was cut, only pages that nobody uses may be missing', async () => {
  let made = 0
  await fc.assert(
    fc.asyncProperty(changes, fc.boolean(), fc.double({ min: 0, max: 1, noNaN: true }), async (steps, overlappingSync, share) => {
      const path = join(folder, String(made++))
      const held = await makeStore(path, { changes: steps, overlappingSync })
      const file = join(path, 'data.mdb')
      expect(damageOf(file)).toBeNull()
      const whole = readFileSync(file)
      fs.truncateSync(file, Math.floor(whole.length * share))
      const damage = damageOf(file)
      if (damage === null) expect(await readStore(path)).toEqual(held)
      else expect(damage).toMatch(/is cut short: it has \d+ bytes|is empty/)
    }),
    { numRuns: 60 },
  )
}, 60_000)

describe('a file that', () => {
  let file: string
  let whole: Buffer
  beforeEach(async () => {
    const steps = Array.from({ length: 60 }, (_, key) => [key, key % 3 === 0 ? 9_000 : 200] as const)
    await makeStore(join(folder, 'store'), { changes: steps, overlappingSync: true })
    file = join(folder, 'store', 'data.mdb')
    whole = readFileSync(file)
  })

  test.each<[string, (bytes: Buffer) => Uint8Array, string]>([
    ['has no byte', () => Buffer.alloc(0), 'is empty (0 bytes)'],
    ['ends within its first page', (bytes) => bytes.subarray(0, 1000), 'is cut short: it has 1000 bytes, and its header alone has 8192'],
    ['ends within its second page', (bytes) => bytes.subarray(0, 5000), 'is cut short: it has 5000 bytes, and its header alone has 8192'],
    ['lacks its last page', (bytes) => bytes.subarray(0, bytes.length - PAGE_BYTES), 'is cut short: it has'],
    ['lacks half of its last page', (bytes) => bytes.subarray(0, bytes.length - PAGE_BYTES / 2), 'is cut short: it has'],
    ['is zeros', (bytes) => Buffer.alloc(bytes.length), 'has a damaged header: its first page is not one of a store'],
    ['has zeros for a first page', (bytes) => bytes.fill(0, 0, PAGE_BYTES), 'has a damaged header: its first page is not one of a store'],
    ['has zeros for a second page', (bytes) => bytes.fill(0, PAGE_BYTES, 2 * PAGE_BYTES), 'its second page is not one of a store'],
    [
      'has noise for a header',
      (bytes) => bytes.fill('noise', 0, 2 * PAGE_BYTES),
      'has a damaged header: its first page is not one of a store',
    ],
    ['has a page size that is none', (bytes) => (bytes.writeUInt32LE(4095, 48), bytes), 'has a damaged header'],
    ['is of another version', (bytes) => (bytes.writeUInt32LE(1, 28), bytes), 'has data version 1 of LMDB; this program reads version 2'],
    ['has roots beyond its last page', (bytes) => withRoots(bytes, 9_999n), 'has a damaged header: it names page 9999 of'],
    ['has its header for a root', (bytes) => withRoots(bytes, 0n), 'has a damaged header: page 0, which it names, is none of its trees'],
    ['is text', () => Buffer.from('a: 1\n'.repeat(5_000)), 'has a damaged header: its first page is not one of a store'],
  ])('%s is named as such', (_what, damage, reason) => {
    writeFileSync(file, damage(Buffer.from(whole)))
    expect(damageOf(file)).toContain(reason)
  })

  test('has its pages after a restart of the machine as far as they were flushed, is whole to whoever opens it to write', () => {
    const restarted = Buffer.from(whole)
    for (const at of [0, PAGE_BYTES]) restarted.writeBigInt64LE(77n, at + 160)
    // One transaction more than what was flushed, whose pages never reached the disk.
    const newest = whole.readBigUInt64LE(152) > whole.readBigUInt64LE(PAGE_BYTES + 152) ? 0 : PAGE_BYTES
    restarted.writeBigUInt64LE(restarted.readBigUInt64LE(newest + 152) + 2n, newest + 152)
    restarted.writeBigUInt64LE(restarted.readBigUInt64LE(newest + 144) + 5n, newest + 144)
    restarted.writeBigUInt64LE(restarted.readBigUInt64LE(newest + 144), newest + 136)
    writeFileSync(file, restarted)
    expect(damageOf(file)).toBeNull()
    expect(damageOf(file, true)).toContain('is cut short')
  })

  function withRoots(bytes: Buffer, root: bigint): Buffer {
    for (const header of [0, PAGE_BYTES / 2, PAGE_BYTES]) bytes.writeBigUInt64LE(root, header + 136)
    return bytes
  }
})

test('a file that is not there has no damage', () => {
  expect(damageOf(join(folder, 'none.mdb'))).toBeNull()
})

test('a ledger that was cut is refused, whoever opens it, and left as it is', async () => {
  const path = join(folder, 'ledger')
  const storage = new LmdbStorage({ folder: path })
  const append = { position: 0, streamNumber: 1, firstRevision: 0, newStream: 'a', record: Buffer.alloc(20_000, 1) }
  await storage.write([append]).flushed
  await storage.close()
  const file = join(path, 'data.mdb')
  const cut = readFileSync(file).subarray(0, 3 * PAGE_BYTES)
  writeFileSync(file, cut)
  const refusal = { code: 'ledger-corrupt', message: expect.stringMatching(/data\.mdb is cut short: .*Restore the data folder/) as string }
  expect(() => new LmdbStorage({ folder: path })).toThrow(RiskError)
  expect(() => new LmdbStorage({ folder: path })).toThrow(expect.objectContaining(refusal))
  await expect(copyLedger(path, join(folder, 'copy'))).rejects.toMatchObject(refusal)
  expect(Buffer.compare(readFileSync(file), cut)).toBe(0)
  expect(fs.existsSync(join(folder, 'copy'))).toBe(false)
})
