import { execFile } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(__dirname, '..', '..', '..')
const DAY_MS = 86_400_000
/** Root may write everywhere, so the user of these tests is somebody else where root runs them. */
const OTHER_USER = process.getuid?.() === 0 ? 65_534 : undefined

/** Looks for its own files as `installationRoot` does. */
const PROGRAM = `import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import pino from 'pino'
const fileAbove = (folder: string): string => (existsSync(join(folder, 'package.json')) ? join(folder, 'package.json') : fileAbove(dirname(folder)))
export const made = typeof pino
export const above = JSON.parse(readFileSync(fileAbove(__dirname), 'utf8')).name`

/** An installation with two programs; the first finds a package when it starts, and its own files by the name in package.json. */
let root: string
let temporary: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'riskledger-bundle-'))
  chmodSync(root, 0o755)
  const bin = join(root, 'services', 'cli', 'bin')
  for (const folder of [bin, join(root, 'libs'), join(root, 'bench'), join(root, 'node_modules')]) mkdirSync(folder, { recursive: true })
  for (const name of ['bundle.js', 'bundle-home.js', 'compile-cache.js'])
    copyFileSync(join(ROOT, 'services', 'cli', 'bin', name), join(bin, name))
  for (const name of ['esbuild', 'pino']) symlinkSync(join(ROOT, 'node_modules', name), join(root, 'node_modules', name))
  writeFileSync(join(root, 'package-lock.json'), '{}')
  writeFileSync(join(root, 'package.json'), '{"name":"riskledger"}')
  writeFileSync(join(root, 'libs', 'a.ts'), PROGRAM)
  writeFileSync(join(root, 'libs', 'b.ts'), 'export const other = 1')
  temporary = join(root, 'temporary')
  mkdirSync(temporary)
  if (OTHER_USER !== undefined) chownSync(temporary, OTHER_USER, OTHER_USER)
})
afterEach(() => {
  chmodSync(join(root, 'node_modules'), 0o755)
  rmSync(root, { recursive: true })
})

/** Runs a script that has `bundle` and resolves to what it prints. */
function run(script: string, uid?: number): Promise<string> {
  const start = `const { bundle } = require(${JSON.stringify(join(root, 'services', 'cli', 'bin', 'bundle.js'))})
    const run = async () => { ${script} }
    run().catch((error) => console.log('error:', error.message))`
  const options = {
    cwd: root,
    env: { PATH: process.env.PATH, TMPDIR: temporary, TEST_RUN: process.env.TEST_RUN },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  }
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ['-e', start], options, (error, stdout) =>
      error === null ? resolve(stdout.trim()) : reject(new Error(error.message, { cause: error })),
    )
  })
}

const A = "bundle({ a: 'libs/a.ts' })"
const B = "bundle({ b: 'libs/b.ts' })"
const kept = (): readonly string[] => readdirSync(join(root, 'node_modules', '.cache', 'riskledger'))

describe('bundles of other sources', () => {
  const age = (folder: string, days: number): void => {
    const then = new Date(Date.now() - days * DAY_MS)
    utimesSync(folder, then, then)
  }

  test('are taken away when nobody has used them for days', async () => {
    const folder = await run(`console.log(await ${A})`)
    age(folder, 2)
    const other = await run(`console.log(await ${B})`)
    expect([folder, other].map((one) => existsSync(one))).toEqual([true, true])
    age(folder, 4)
    rmSync(other, { recursive: true })
    await run(B)
    expect(existsSync(folder)).toBe(false)
    expect(kept()).toHaveLength(1)
  })

  test('stay where a process has started from them since', async () => {
    const folder = await run(`console.log(await ${A})`)
    age(folder, 4)
    await run(A)
    await run(B)
    expect(existsSync(folder)).toBe(true)
  })

  test('stay while a process that started from them lives', async () => {
    const { keepUsed } = (await import(join(ROOT, 'services', 'cli', 'bin', 'bundle-home.js'))) as {
      readonly keepUsed: (folder: string) => void
    }
    const folder = await run(`console.log(await ${A})`)
    age(folder, 4)
    jest.useFakeTimers({ doNotFake: ['Date'] })
    try {
      keepUsed(folder)
      jest.advanceTimersByTime(DAY_MS)
      await run(B)
      expect(existsSync(folder)).toBe(true)
      rmSync(folder, { recursive: true })
      jest.advanceTimersByTime(DAY_MS)
    } finally {
      jest.useRealTimers()
    }
  })
})

describe('who may not write to node_modules', () => {
  beforeEach(() => {
    chmodSync(join(root, 'node_modules'), 0o555)
  })
  const print = `const folder = await ${A}; console.log(JSON.stringify([folder, require(folder + '/a.js')]))`

  test('has bundles in a folder of their own, which find packages and files as others do', async () => {
    const [folder, exported] = JSON.parse(await run(print, OTHER_USER)) as [string, object]
    expect(exported).toEqual({ made: 'function', above: 'riskledger' })
    const own = join(temporary, readdirSync(temporary)[0])
    expect(folder.startsWith(own)).toBe(true)
    expect(statSync(own).mode & 0o777).toBe(0o700)
    expect(JSON.parse(await run(print, OTHER_USER))).toEqual([folder, exported])
  })

  test('is told where the folder for them is writable by others', async () => {
    const [folder] = JSON.parse(await run(print, OTHER_USER)) as [string]
    const own = join(temporary, readdirSync(temporary)[0])
    chmodSync(own, 0o777)
    expect(await run(print, OTHER_USER)).toBe(`error: ${own} is not a folder that this user alone may write: take it away, or set TMPDIR`)
    expect(existsSync(folder)).toBe(true)
  })

  test('is told where there is no other place either', async () => {
    chmodSync(temporary, 0o555)
    const said = await run(print, OTHER_USER)
    chmodSync(temporary, 0o755)
    expect(said).toMatch(/^error: bundles can be written neither to \S+ nor to \S+ \(EACCES\): make one of them writable, or set TMPDIR$/)
  })

  test("has no use for another user's bundle that only that one may read", async () => {
    if (OTHER_USER === undefined) return console.log('skipped: it takes root to be two users')
    chmodSync(join(root, 'node_modules'), 0o755)
    const roots = await run(`console.log(await ${A})`)
    const [folder, exported] = JSON.parse(await run(print, OTHER_USER)) as [string, object]
    expect(folder).not.toBe(roots)
    expect(exported).toMatchObject({ made: 'function' })
  })
})
