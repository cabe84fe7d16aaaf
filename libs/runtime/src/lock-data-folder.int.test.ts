import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lockDataFolder, readLock } from './lock-data-folder'
import { currentProcess } from './process-identity'

let folder: string
let child: ChildProcess | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'riskledger-lock-'))
})

afterEach(async () => {
  child?.kill('SIGKILL')
  child = undefined
  await rm(folder, { recursive: true })
})

/** Starts another process that takes the lock and says so, then waits to be killed. */
async function otherProcess(): Promise<ChildProcess> {
  const script = `require(${JSON.stringify(join(__dirname, 'index.ts'))}).lockDataFolder(${JSON.stringify(folder)}, { command: 'riskledger screen' })
    .then(() => { console.log('locked'); setInterval(() => {}, 1000) })`
  child = spawn(process.execPath, ['--require', join(__dirname, '..', 'register.cjs'), '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout as NodeJS.ReadableStream, 'data')
  return child
}

async function forge(record: object): Promise<void> {
  const lock = await lockDataFolder(folder, { command: 'forged' })
  await lock.release()
  const [name] = (await readdir(join(folder, 'lock'))).sort().reverse()
  await writeFile(join(folder, 'lock', name ?? ''), JSON.stringify(record))
}

describe('lockDataFolder', () => {
  test('a held folder is refused, naming the holder and what to do', async () => {
    await lockDataFolder(folder, { command: 'riskledger up' })
    await expect(lockDataFolder(folder, { command: 'riskledger screen' })).rejects.toMatchObject({
      code: 'data-folder-in-use',
      retriable: false,
      message: expect.stringMatching(
        new RegExp(
          `^${folder} is in use by process ${process.pid} \\(riskledger up, since \\d\\d:\\d\\d\\)\\. To write, stop it or choose another folder with --data-dir\\. Reading needs neither\\.$`,
        ),
      ),
    })
  })

  test('a folder that cannot be written is refused, and what stands in the way is left', async () => {
    await writeFile(join(folder, 'lock'), 'mine')
    expect(await readLock(folder)).toBeUndefined()
    await expect(lockDataFolder(folder, { command: 'riskledger up' })).rejects.toMatchObject({
      code: 'file-unreadable',
      message: `${folder} cannot be locked (EEXIST). Check its owner and permissions, or choose another folder with --data-dir.`,
    })
    expect(await readdir(folder)).toEqual(['lock'])
  })

  test('a lock folder in which nothing can be made is refused as such', async () => {
    if (process.platform !== 'linux') return console.log('skipped: only Linux has a folder that takes no file of anybody')
    await symlink('/proc', join(folder, 'lock'))
    await expect(lockDataFolder(folder, { command: 'riskledger up' })).rejects.toMatchObject({
      code: 'file-unreadable',
      message: expect.stringContaining(`${folder} cannot be locked (`) as string,
    })
  })

  test('a lock that cannot be read is refused as such, and no draft is left', async () => {
    await mkdir(join(folder, 'lock', '000000001.json'), { recursive: true })
    await expect(lockDataFolder(folder, { command: 'riskledger up' })).rejects.toMatchObject({
      code: 'file-unreadable',
      message: expect.stringContaining(`${folder} cannot be locked (EISDIR)`) as string,
    })
    expect(await readdir(join(folder, 'lock'))).toEqual(['000000001.json'])
  })

  test('a reader sees who holds it and where the ledger answers', async () => {
    expect(await readLock(folder)).toBeUndefined()
    const lock = await lockDataFolder(folder, { command: 'riskledger up' })
    expect(await readLock(folder)).toMatchObject({ pid: process.pid, command: 'riskledger up', connectionString: null })
    await lock.announce('esdb://127.0.0.1:2113?tls=false')
    expect(await readLock(folder)).toMatchObject({ connectionString: 'esdb://127.0.0.1:2113?tls=false' })
    await lock.release()
    expect(await readLock(folder)).toBeUndefined()
  })

  test('a released folder can be taken again; releasing twice, or announcing after it, harms nobody', async () => {
    const first = await lockDataFolder(folder, { command: 'first' })
    await first.release()
    await lockDataFolder(folder, { command: 'second', connectionString: 'esdb://127.0.0.1:1?tls=false' })
    await first.release()
    await first.announce('esdb://elsewhere')
    expect(await readLock(folder)).toMatchObject({ command: 'second', connectionString: 'esdb://127.0.0.1:1?tls=false' })
  })

  test('the lock of a killed process is taken over', async () => {
    const other = await otherProcess()
    await expect(lockDataFolder(folder, { command: 'riskledger up' })).rejects.toMatchObject({
      code: 'data-folder-in-use',
      context: { pid: other.pid },
    })
    other.kill('SIGKILL')
    await once(other, 'exit')
    expect(await readLock(folder)).toBeUndefined()
    await lockDataFolder(folder, { command: 'riskledger up' })
    expect(await readLock(folder)).toMatchObject({ pid: process.pid })
  })

  test('a process number that was given anew does not hold the folder', async () => {
    const { startMark, pid } = currentProcess()
    if (startMark === null) return console.log('skipped: this system tells no start marks')
    await forge({ pid, startMark: `${startMark}0`, command: 'riskledger up', sinceMs: 0, connectionString: null, released: false })
    expect(await readLock(folder)).toBeUndefined()
    await lockDataFolder(folder, { command: 'riskledger up' })
  })

  test('a lock that a power loss left empty holds nobody back', async () => {
    await forge({})
    expect(await readLock(folder)).toBeUndefined()
    await lockDataFolder(folder, { command: 'riskledger up' })
  })

  test('a lock from another day is dated', async () => {
    await forge({
      ...currentProcess(),
      command: 'riskledger up',
      sinceMs: Date.UTC(2001, 1, 3, 12),
      connectionString: null,
      released: false,
    })
    await expect(lockDataFolder(folder, { command: 'riskledger up' })).rejects.toThrow(/since Sat Feb 03 2001 \d\d:\d\d\)/)
  })

  test('of many at once exactly one wins, round after round, and old files do not pile up', async () => {
    for (let round = 0; round < 20; round++) {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 8 }, (_, index) => lockDataFolder(folder, { command: `contender ${index}` })),
      )
      const won = outcomes.filter((outcome) => outcome.status === 'fulfilled')
      expect(won).toHaveLength(1)
      await won[0]?.value.release()
    }
    expect(await readdir(join(folder, 'lock'))).toHaveLength(1)
  })
})
