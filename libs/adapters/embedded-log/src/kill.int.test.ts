import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildSync } from 'esbuild'
import { openEmbeddedLog } from './embedded-log'
import { fetchAll } from './event-log-contract'

let folder: string
let program: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'riskledger-kill-'))
  program = join(folder, 'appending-process.cjs')
  const { outputFiles } = buildSync({
    entryPoints: [join(__dirname, '../testing/appending-process.ts')],
    bundle: true,
    platform: 'node',
    write: false,
    alias: { lmdb: require.resolve('lmdb') },
    external: [require.resolve('lmdb')],
  })
  writeFileSync(program, outputFiles[0].contents)
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

/** Runs the appending process until it dies; returns the emissions that it last saw acknowledged. `killAfter`: kill it from outside after so many. */
function appendUntilKilled(data: string, { crashAt = '-', passes = 0, killAfter = Infinity }): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, data, crashAt, String(passes)], { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    let lines = 0
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      lines += chunk.toString().split('\n').length - 1
      if (lines >= killAfter) child.kill('SIGKILL')
    })
    child.on('error', reject)
    child.on('close', (_, signal) => {
      if (signal !== 'SIGKILL') reject(new Error(`the process ended by itself: ${String(signal)}`))
      const acknowledged = output.slice(0, output.lastIndexOf('\n')).split('\n').at(-1)
      resolve(Number(acknowledged))
    })
  })
}

/** Progress and records must tell the same story, without a hole or a repeat. */
async function checkedEmissions(data: string): Promise<number> {
  const log = openEmbeddedLog({ folder: data, partitionCount: 1 })
  const emissions = (await log.sources())[0]?.emissions ?? 0
  const payments = (await fetchAll(log, { topic: 'payments', partition: 0 })).map(({ value }) => value[0])
  const logins = (await fetchAll(log, { topic: 'logins', partition: 0 })).map(({ value }) => value[0])
  await log.close()
  const expected = Array.from({ length: emissions }, (_, i) => i)
  expect(payments).toEqual(expected.filter((i) => i % 3 !== 1).map((i) => i & 0xff))
  expect(logins).toEqual(expected.filter((i) => i % 3 === 1).map((i) => i & 0xff))
  return emissions
}

test('killed at every crash point, again and again: every acknowledged record is there, and progress fits the records', async () => {
  const data = join(folder, 'crash-points')
  for (const passes of [0, 7]) {
    for (const crashAt of ['log-append-received', 'log-append-committed', 'log-append-flushed']) {
      const acknowledged = await appendUntilKilled(data, { crashAt, passes })
      expect(await checkedEmissions(data)).toBeGreaterThanOrEqual(acknowledged)
    }
  }
}, 60_000)

test('killed from outside with appends in flight', async () => {
  const data = join(folder, 'outside')
  for (const killAfter of [1, 5, 23, 60]) {
    const acknowledged = await appendUntilKilled(data, { killAfter })
    expect(acknowledged).toBeGreaterThan(0)
    expect(await checkedEmissions(data)).toBeGreaterThanOrEqual(acknowledged)
  }
}, 60_000)
