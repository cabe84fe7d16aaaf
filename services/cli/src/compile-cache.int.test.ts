import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import Module from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const COMPILE_CACHE = join(__dirname, '../bin/compile-cache.js')
/** From 22.8 on Node keeps it itself, in files of its own. */
const isOurs = !('enableCompileCache' in Module)

describe('what V8 compiled', () => {
  let folder: string
  let cache: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'riskledger-compiled-'))
    cache = join(folder, 'deep', 'cache')
    const main =
      "#!/usr/bin/env node\nimport('node:path').then(({ sep }) => console.log(require('./part.js')(require.main === module.parent, sep)))"
    writeFileSync(join(folder, 'main.cjs'), main)
    const part = "module.exports = (...all) => [...all, __filename === require.resolve('./part.js'), this === exports]"
    writeFileSync(join(folder, 'part.js'), part)
    const start = `require(${JSON.stringify(COMPILE_CACHE)}).enableCompileCache(${JSON.stringify(cache)})\nrequire('./main.cjs')`
    writeFileSync(join(folder, 'start.js'), start)
  })
  afterEach(() => {
    rmSync(folder, { recursive: true })
  })
  const isOnlyMarked = (name: string): boolean => statSync(join(cache, name)).size === 4
  /** A file that was made anew is another one. */
  const inodes = (names: readonly string[]): ReadonlyMap<string, number> =>
    new Map(names.map((name) => [name, statSync(join(cache, name)).ino]))
  const said = (): string => execFileSync(process.execPath, [join(folder, 'start.js')], { encoding: 'utf8' }).trim()
  const expected = "[ true, '/', true, true ]"

  test('is kept for the next process, which does the same with it, and without it where it is damaged', () => {
    expect(said()).toBe(expected)
    const kept = readdirSync(cache)
    expect(kept.length).toBeGreaterThan(0)
    // The script that imports is only marked: what V8 kept of it would not find its way.
    if (isOurs) expect(kept.filter(isOnlyMarked)).toHaveLength(1)
    const first = inodes(kept)
    expect(said()).toBe(expected)
    expect(inodes(kept)).toEqual(first)
    if (!isOurs) return
    for (const name of kept) flipLastByte(join(cache, name))
    expect(said()).toBe(expected)
    expect(readdirSync(cache)).toEqual(kept)
    for (const [name, inode] of inodes(kept)) expect(first.get(name)).not.toBe(inode)
  })

  test('is done without where its folder cannot be made', () => {
    writeFileSync(join(folder, 'deep'), 'a file where the folder would be')
    expect(said()).toBe(expected)
  })
})

function flipLastByte(file: string): void {
  const bytes = readFileSync(file)
  bytes[bytes.length - 1] ^= 1
  writeFileSync(file, bytes)
}
