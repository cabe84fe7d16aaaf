import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Snapshot, SnapshotStore } from '@riskledger/contracts'
import { openSnapshotStore } from '@riskledger/snapshots'
import { expectWhole, runRiskledger, runToEnd, type Screened } from './run-riskledger'
import { writeCoarsePolicy, writeScenario } from './scenario-file'

let folder: string
let file: string
let policy: string
let lines: number
let expected: Screened
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'riskledger-damage-'))
  file = join(folder, 'scenario.ndjson')
  policy = join(folder, 'policy.yaml')
  lines = writeScenario(file)
  writeCoarsePolicy(policy)
  expected = await runToEnd<Screened>(['--data-dir', join(folder, 'whole'), 'screen', file, '--policy', policy])
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true }))

const screenInto = (dataDir: string): string[] => ['--data-dir', dataDir, 'screen', file, '--policy', policy]

async function newestOf(store: SnapshotStore, name: string): Promise<Snapshot> {
  for await (const snapshot of store.load(name)) return snapshot
  throw new Error(`no snapshot of ${name}`)
}

/** Flips one bit behind every occurrence of a text; returns how many there were. */
function flipBehind(path: string, text: string): number {
  const bytes = readFileSync(path)
  let count = 0
  for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + 1)) {
    bytes[at + text.length] ^= 1
    count++
  }
  writeFileSync(path, bytes)
  return count
}

test('a flipped bit in the ledger: verify names stream and revision, and screen does not build on it', async () => {
  const dataDir = join(folder, 'ledger')
  await runToEnd(screenInto(dataDir))
  expect(flipBehind(join(dataDir, 'ledger', 'data.mdb'), '"verdict":"')).toBeGreaterThan(0)
  const verified = await runRiskledger(['--json', '--data-dir', dataDir, 'verify'])
  expect(verified.code).toBe(3)
  const { faults } = JSON.parse(verified.stdout) as { faults: { stream: string; revision: number; reason: string }[] }
  expect(faults[0]).toMatchObject({
    stream: 'screening-000.0000',
    reason: expect.stringContaining('altered after it was written') as string,
  })
  const screened = await runRiskledger(screenInto(dataDir))
  expect(screened.code).toBe(3)
  expect(screened.stderr).toContain(`screening-000.0000@${faults[0].revision}: `)
})

test('a flipped bit in the log: screen names topic, partition and offset', async () => {
  const dataDir = join(folder, 'log')
  const killed = await runRiskledger(screenInto(dataDir), {
    environment: { RISKLEDGER_CRASH_AT: 'import-done:1', RISKLEDGER_BATCH_INPUTS: '64' },
  })
  expect(killed.signal).toBe('SIGKILL')
  const events = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .filter((line) => line.startsWith('{"topic":"payments","event":{') && line.endsWith('}}'))
    .map((line) => (JSON.parse(line) as { event: { paymentId: string } }).event)
  expect(flipBehind(join(dataDir, 'log', 'data.mdb'), events[events.length - 1].paymentId.slice(0, -1))).toBeGreaterThan(0)
  const screened = await runRiskledger(screenInto(dataDir))
  expect(screened.code).toBe(3)
  expect(screened.stderr).toMatch(/the batch of payments, partition 0, at offset \d+ does not match its checksum/)
})

describe('a file that LMDB would map and die of', () => {
  const damages: readonly (readonly [string, (bytes: Buffer) => Uint8Array, string])[] = [
    ['no byte', () => Buffer.alloc(0), 'is empty (0 bytes)'],
    ['its header alone', (bytes) => bytes.subarray(0, 8_192), 'is cut short'],
    ['all but its last page', (bytes) => bytes.subarray(0, bytes.length - 4_096), 'is cut short'],
    ['zeros for a header', (bytes) => bytes.fill(0, 0, 8_192), 'has a damaged header'],
    ['noise for a header', (bytes) => bytes.fill('noise', 0, 8_192), 'has a damaged header'],
  ]

  /** A copy of the whole folder with one file damaged. */
  function damaged(store: string, damage: (bytes: Buffer) => Uint8Array): string {
    const dataDir = mkdtempSync(join(folder, 'mapped-'))
    cpSync(join(folder, 'whole'), dataDir, { recursive: true })
    const path = join(dataDir, store, 'data.mdb')
    writeFileSync(path, damage(readFileSync(path)))
    return dataDir
  }

  test.each(damages)('a ledger with %s is refused by name, and no process dies by a signal', async (_what, damage, reason) => {
    const dataDir = damaged('ledger', damage)
    for (const command of [['verify'], ['explain', '1'], ['screen', file, '--policy', policy]]) {
      const run = await runRiskledger(['--json', '--data-dir', dataDir, ...command])
      expect({ code: run.code, signal: run.signal }).toEqual({ code: 3, signal: null })
      expect(JSON.parse(run.stdout)).toEqual({ error: { code: 'ledger-corrupt', message: expect.stringContaining(reason) as string } })
    }
  })

  test.each(damages)('a log with %s is refused by name, and no process dies by a signal', async (_what, damage, reason) => {
    const dataDir = damaged('log', damage)
    const screened = await runRiskledger(['--json', ...screenInto(dataDir)])
    expect({ code: screened.code, signal: screened.signal }).toEqual({ code: 3, signal: null })
    expect(JSON.parse(screened.stdout)).toEqual({ error: { code: 'log-corrupt', message: expect.stringContaining(reason) as string } })
    const verified = await runRiskledger(['--json', '--data-dir', dataDir, 'verify'])
    expect({ code: verified.code, signal: verified.signal }).toEqual({ code: 3, signal: null })
    expect(verified.stdout).toContain(reason)
  })
})

describe('snapshots', () => {
  const environment = { RISKLEDGER_BATCH_INPUTS: '64', RISKLEDGER_SNAPSHOT_INPUTS: '300' }

  /** A run that was killed with two snapshots written. */
  async function killedWithSnapshots(name: string): Promise<string> {
    const dataDir = join(folder, name)
    const killed = await runRiskledger(screenInto(dataDir), { environment: { ...environment, RISKLEDGER_CRASH_AT: 'snapshot-written:3' } })
    expect(killed.signal).toBe('SIGKILL')
    return dataDir
  }

  /** Runs on to the end, which must be that of an undisturbed run; gives the revision from which the journal was folded, and the log. */
  async function goOn(dataDir: string): Promise<{ readonly fromRevision: number; readonly log: string }> {
    const run = await runRiskledger(['--json', '--log-level', 'info', ...screenInto(dataDir)], { environment })
    expect(run.code).toBe(0)
    expect((JSON.parse(run.stdout) as Screened).journalDigest).toBe(expected.journalDigest)
    await expectWhole(dataDir, lines)
    const folded = run.stderr.split('\n').find((line) => line.includes('journal folded')) ?? '{}'
    return { fromRevision: (JSON.parse(folded) as { fromRevision: number }).fromRevision, log: run.stderr }
  }

  test('a restart goes on from the newest', async () => {
    expect((await goOn(await killedWithSnapshots('snapshot'))).fromRevision).toBeGreaterThan(10)
  })

  test('damaged ones are left out, and the journal is folded from its beginning', async () => {
    const dataDir = await killedWithSnapshots('snapshot-damaged')
    const folder = join(dataDir, 'cache', 'snapshots')
    const files = readdirSync(folder)
    expect(files.length).toBeGreaterThan(1)
    for (const one of files) expect(flipBehind(join(folder, one), '"dedupeKey":"')).toBe(1)
    const { fromRevision, log } = await goOn(dataDir)
    expect(fromRevision).toBe(0)
    expect(log).toContain('a damaged snapshot is left out')
  })

  test('those whose entry the journal does not hold are discarded', async () => {
    const dataDir = await killedWithSnapshots('snapshot-foreign')
    const store = openSnapshotStore({ folder: join(dataDir, 'cache', 'snapshots') })
    const newest = await newestOf(store, 'screening-000.0000')
    await store.save('screening-000.0000', { ...newest, entryHash: 'f'.repeat(64) })
    await store.save('screening-000.0000', { ...newest, revision: newest.revision + 100_000 })
    await store.close()
    expect((await goOn(dataDir)).fromRevision).toBe(0)
  })
})

/** A file system of 5,000 kB in a folder; false where none may be mounted. */
function mountSmall(disk: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=5000k', 'tmpfs', disk]).status === 0
}

/** Asked before the test is declared, so that one without counts as skipped. */
function mayMount(): boolean {
  const disk = mkdtempSync(join(tmpdir(), 'riskledger-mount-'))
  const mounted = mountSmall(disk)
  if (mounted) spawnSync('umount', [disk])
  rmSync(disk, { recursive: true })
  return mounted
}

const FULL_DISK = 'a full disk is told; with room again the same command goes on, and nothing is lost'

async function tellsFullDisk(): Promise<void> {
  const disk = join(folder, 'small-disk')
  mkdirSync(disk)
  expect(mountSmall(disk)).toBe(true)
  try {
    const dataDir = join(disk, 'data')
    let seen = ''
    let grown = false
    const first = await runRiskledger(screenInto(dataDir), {
      onStart: (child) =>
        child.stderr?.on('data', (chunk: Buffer) => {
          seen += chunk.toString()
          // A run that waits for room is given some; one that ended is started again below.
          if (grown || !/no room|is full|bytes are free/.test(seen)) return
          grown = spawnSync('mount', ['-o', 'remount,size=256m', disk]).status === 0
        }),
    })
    expect(first.stderr).toMatch(/no room|is full|bytes are free/)
    spawnSync('mount', ['-o', 'remount,size=256m', disk])
    const ended = await runToEnd<Screened>(screenInto(dataDir))
    expect(ended.journalDigest).toBe(expected.journalDigest)
    await expectWhole(dataDir, lines)
  } finally {
    spawnSync('umount', [disk])
  }
}

if (mayMount()) test(FULL_DISK, tellsFullDisk)
else test.skip(`skipped: no file system of a limited size may be mounted here: ${FULL_DISK}`, tellsFullDisk)
