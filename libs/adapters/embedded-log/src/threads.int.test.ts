import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { buildSync } from 'esbuild'
import { openEmbeddedLog } from './embedded-log'
import { fetchAll, proposedRecord } from './event-log-contract'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'riskledger-threads-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

/** Bundles a program of the testing folder into the temporary one. */
function bundle(name: string): string {
  const { outputFiles } = buildSync({
    entryPoints: [join(__dirname, '../testing', `${name}.ts`)],
    bundle: true,
    platform: 'node',
    write: false,
    alias: { lmdb: require.resolve('lmdb') },
    external: [require.resolve('lmdb')],
  })
  const program = join(folder, `${name}.cjs`)
  writeFileSync(program, outputFiles[0].contents)
  return program
}

test('threads of the process follow the writer, each through its own handle, without a gap or a repeat', async () => {
  const data = join(folder, 'log')
  const log = openEmbeddedLog({ folder: data, partitionCount: 1 })
  const program = bundle('following-thread')
  const count = 600
  const followers = [true, false].map(
    (readOnly) =>
      new Promise<number[]>((resolve, reject) => {
        const worker = new Worker(program, { workerData: { folder: data, readOnly, count } })
        worker.on('message', resolve)
        worker.on('error', reject)
      }),
  )
  for (let i = 0; i < count; i++) await log.append([proposedRecord({ value: Uint8Array.of(i & 0xff) })])
  const expected = Array.from({ length: count }, (_, i) => i & 0xff)
  expect(await Promise.all(followers)).toEqual([expected, expected])
  await log.close()
}, 30_000)

test('a disk that takes no more: the append fails as a whole, what was acknowledged stays, and the log opens again', async () => {
  const data = join(folder, 'log')
  const program = bundle('filling-process')
  // A limit on the size of a file (in KiB) stands for the disk: writes past it fail in the same place.
  const { stdout, status } = spawnSync(
    'bash',
    ['-c', 'trap "" XFSZ; ulimit -f 8192; exec "$0" "$1" "$2"', process.execPath, program, data],
    { encoding: 'utf8' },
  )
  expect(status).toBe(0)
  const { acknowledged, code } = JSON.parse(stdout) as { readonly acknowledged: number; readonly code: string }
  expect(['log-unavailable', 'disk-full']).toContain(code)
  expect(acknowledged).toBeGreaterThan(0)
  const log = openEmbeddedLog({ folder: data, partitionCount: 1 })
  expect(await fetchAll(log, { topic: 'payments', partition: 0 })).toHaveLength(acknowledged)
  expect((await log.sources())[0].emissions).toBe(acknowledged)
  expect(await log.append([proposedRecord({})])).toEqual([acknowledged])
  await log.close()
}, 30_000)
