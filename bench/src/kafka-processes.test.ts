import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LoadOrder } from './kafka-load'
import { BenchProcesses } from './kafka-processes'

const ORDER: LoadOrder = {
  connection: { brokers: [], clientId: 'bench', prefix: '' },
  first: 0,
  count: 1,
  ratePerSecond: null,
  fromMs: 0,
  accounts: 1,
  partitionCount: 1,
  run: 0,
}

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'riskledger-bench-'))))
afterEach(() => rmSync(folder, { recursive: true }))

function script(source: string): string {
  const path = join(folder, 'load.js')
  writeFileSync(path, source)
  return path
}

test('a load that still runs is ended with the others', async () => {
  const processes = new BenchProcesses()
  const load = processes.startLoad(ORDER, script('setInterval(() => undefined, 1_000)'))
  await processes.endAll()
  await expect(load.done).rejects.toThrow('the load ended with SIGKILL')
})

test('a load that has ended tells what it did, and there is nothing left to end', async () => {
  const processes = new BenchProcesses()
  const load = processes.startLoad(ORDER, script('console.log(JSON.stringify({ published: JSON.parse(process.argv[2]).count }))'))
  expect(await load.done).toEqual({ published: 1 })
  await processes.endAll()
})
