import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EMBEDDED, openHouse } from '../house/open-house'
import { runCommand, runJson } from '../testing/run-command'
import { temporaryFolder, writeSmallScenario } from '../testing/small-scenario'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let dataDir: string
let events: string
let made = 0

beforeAll(async () => {
  folder = await temporaryFolder()
  dataDir = join(folder.path, 'data')
  events = join(folder.path, 'events.ndjson')
  await writeSmallScenario(events, { hours: 2 })
  expect((await runCommand('screen', events, '--data-dir', dataDir, '--json')).code).toBe(0)
})

afterAll(() => folder.remove())

/** A copy of the screened folder as a backup would make it: without a lock and a cache. */
async function copyOf(): Promise<string> {
  const copy = join(folder.path, `copy-${made++}`)
  await cp(dataDir, copy, { recursive: true, filter: (path) => !/[/\\](lock|cache)$|lock\.mdb$/.test(path) })
  return copy
}

/** Every file below a folder with its size and time of change, and every folder. */
async function contentOf(path: string): Promise<readonly string[]> {
  const names = (await readdir(path, { recursive: true })).sort()
  return Promise.all(
    names.map(async (name) => {
      const entry = await stat(join(path, name))
      return entry.isDirectory() ? `${name}/` : `${name} ${entry.size} ${entry.mtimeMs}`
    }),
  )
}

/** Runs a command that is to be refused, and expects that the folder is then what it was. */
async function refused(argv: readonly string[], path: string): Promise<{ readonly code: number; readonly err: string }> {
  const before = await contentOf(path)
  const run = await runCommand(...argv, '--data-dir', path)
  expect(await contentOf(path)).toEqual(before)
  return run
}

const everyCommand = (): readonly (readonly [string, ...string[]])[] => [
  ['screen', events],
  ['up', '--once'],
  ['explain', '1'],
  ['replay'],
  ['verify'],
  ['export'],
  ['status'],
  ['policy', 'show'],
  ['policy', 'activate', join(__dirname, '../../../../policies/default.yaml')],
  ['backup', '--out', join(folder.path, 'backup')],
]

describe('a folder that is refused is left as it was', () => {
  test('one of another format, by every command', async () => {
    const copy = await copyOf()
    await writeFile(join(copy, 'riskledger.json'), '{"format": 2}')
    for (const argv of everyCommand()) {
      expect(await refused(argv, copy)).toMatchObject({
        code: 2,
        err: expect.stringContaining('has format 2; this version reads') as string,
      })
    }
  })

  test('one with a damaged ledger, by every command', async () => {
    const copy = await copyOf()
    const file = join(copy, 'ledger', 'data.mdb')
    await writeFile(file, (await readFile(file)).subarray(0, 20_000))
    for (const argv of everyCommand()) {
      expect(await refused(argv, copy)).toMatchObject({
        code: 3,
        err: expect.stringMatching(/ledger\/data\.mdb is cut short: .*Restore the data folder from a backup/) as string,
      })
    }
    expect(await readdir(folder.path)).not.toContain('backup')
  })

  test('one with a damaged log, by those that write', async () => {
    const copy = await copyOf()
    await writeFile(join(copy, 'log', 'data.mdb'), Buffer.alloc(8_192))
    for (const argv of everyCommand().filter(([name]) => ['screen', 'up', 'backup'].includes(name))) {
      expect(await refused(argv, copy)).toMatchObject({
        code: 3,
        err: expect.stringMatching(/log\/data\.mdb has a damaged header: .*Restore the data folder from a backup/) as string,
      })
    }
  })

  test('one of something else, and one with another number of partitions', async () => {
    const other = join(folder.path, 'thesis')
    await mkdir(other)
    await writeFile(join(other, 'thesis.tex'), 'mine')
    expect(await refused(['screen', events], other)).toMatchObject({ code: 2, err: expect.stringContaining('holds thesis.tex') as string })
    expect(await refused(['screen', events, '--partitions', '3'], await copyOf())).toMatchObject({
      code: 2,
      err: expect.stringContaining('partitions is 3') as string,
    })
  })

  test('one in use, by those that write', async () => {
    const copy = await copyOf()
    const house = await openHouse({ ...EMBEDDED, dataDir: copy, command: 'riskledger up' })
    try {
      expect(await refused(['screen', events], copy)).toMatchObject({
        code: 5,
        err: expect.stringContaining('is in use by process') as string,
      })
    } finally {
      await house.close()
    }
  })

  test('and where the folder is a file, that stays too', async () => {
    const file = join(folder.path, 'a-file')
    await writeFile(file, 'mine')
    for (const argv of everyCommand()) {
      expect(await runCommand(...argv, '--data-dir', file)).toMatchObject({
        code: 2,
        err: `${file} is not a folder. Choose an empty or new folder with --data-dir.\n`,
      })
    }
    expect(await readFile(file, 'utf8')).toBe('mine')
  })
})

test('a log of other events in the place of the one that the journal was made from is refused by those that would go on in it', async () => {
  const copy = await copyOf()
  const others = join(folder.path, 'others.ndjson')
  await writeFile(others, (await readFile(events, 'utf8')).replaceAll(/"eventId":"([0-9a-f]{7})./g, '"eventId":"$1f'))
  const other = join(folder.path, 'other')
  expect((await runCommand('screen', others, '--data-dir', other)).code).toBe(0)
  await rm(join(copy, 'log'), { recursive: true })
  await cp(join(other, 'log'), join(copy, 'log'), { recursive: true })
  for (const argv of [
    ['up', '--once'],
    ['screen', events],
    ['policy', 'activate', await otherPolicy()],
  ]) {
    expect(await runCommand(...argv, '--data-dir', copy)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/partition 0, holds another record at offset \d+ than the one that the journal took from there/) as string,
    })
  }
})

/** A policy file with a hash of its own. */
async function otherPolicy(): Promise<string> {
  const file = join(folder.path, 'other-policy.yaml')
  const standard = await readFile(join(__dirname, '../../../../policies/default.yaml'), 'utf8')
  await writeFile(file, standard.replace('name: default', 'name: other'))
  return file
}

test('files that cannot be screened make no folder', async () => {
  const csv = join(folder.path, 'rows.csv')
  const mapping = join(folder.path, 'mapping.yaml')
  await writeFile(csv, 'a,b\n1,2\n')
  await writeFile(mapping, 'name: x\n columns: [a]\n  topic: [\n')
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[csv], /rows\.csv is CSV; say with --mapping/],
    [[folder.path], /is a folder; name the files in it/],
    [[events, join(folder.path, 'none')], /none: there is no such file/],
    [['-', '-'], /named more than once/],
    [[csv, '--mapping', mapping], /mapping\.yaml:1:7: Nested mappings .* \(\d+ more problems? follows? from it\)\n$/],
    [[events, '--policy', mapping], /mapping\.yaml:1:7: Nested/],
  ]
  const target = join(folder.path, 'new-folder')
  for (const [argv, message] of cases) {
    expect(await runCommand('screen', ...argv, '--data-dir', target)).toMatchObject({
      code: 2,
      err: expect.stringMatching(message) as string,
    })
    expect(await readdir(folder.path)).not.toContain('new-folder')
  }
})

describe('verify', () => {
  interface Verified {
    readonly faults: readonly { readonly stream: string; readonly revision: number; readonly reason: string }[]
    readonly inputs: number
    readonly logRecords: number
  }

  test('reads the log too', async () => {
    const { value, code } = await runJson<Verified>('verify', '--data-dir', await copyOf())
    expect(code).toBe(0)
    expect(value.logRecords).toBe(value.inputs)
  })

  test('names a log that was cut short, altered, or taken away', async () => {
    const copy = await copyOf()
    const file = join(copy, 'log', 'data.mdb')
    const whole = await readFile(file)
    const verified = async (): Promise<Verified> => {
      const { value, code } = await runJson<Verified>('verify', '--data-dir', copy)
      expect(code).toBe(3)
      return value
    }
    await writeFile(file, whole.subarray(0, 12_288))
    expect((await verified()).faults).toMatchObject([
      { stream: 'log', revision: -1, reason: expect.stringContaining('is cut short') as string },
    ])
    const altered = Buffer.from(whole)
    for (let at = altered.indexOf('a-00'); at >= 0; at = altered.indexOf('a-00', at + 1)) altered.write('b', at)
    await writeFile(file, altered)
    expect((await verified()).faults[0]).toMatchObject({
      stream: 'log',
      reason: expect.stringContaining('does not match its checksum') as string,
    })
    await rm(file)
    expect((await verified()).faults).toMatchObject([{ stream: 'log', reason: expect.stringContaining('there is no log in') as string }])
    expect((await runCommand('verify', '--data-dir', copy)).out).toContain('fault       log: there is no log in')
  })

  test('names a log that ends before the journal: an older one, put in its place', async () => {
    const copy = await copyOf()
    const fewer = join(folder.path, 'fewer.ndjson')
    await writeFile(fewer, `${(await readFile(events, 'utf8')).split('\n').slice(0, 5).join('\n')}\n`)
    const older = join(folder.path, 'older')
    expect((await runCommand('screen', fewer, '--data-dir', older)).code).toBe(0)
    await cp(join(older, 'log'), join(copy, 'log'), { recursive: true })
    const { value, code } = await runJson<Verified>('verify', '--data-dir', copy)
    expect(code).toBe(3)
    expect(value.faults[0]).toMatchObject({
      stream: 'screening-000.0000',
      reason: expect.stringMatching(/^the journal goes on at offset \d+ of [a-z0-9-]+, and the log holds \[0, \d+\) of it$/) as string,
    })
    const { err, code: backedUp } = await runCommand('backup', '--out', join(folder.path, 'backup'), '--data-dir', copy)
    expect(backedUp).toBe(3)
    expect(err).toContain('The copy does not verify, so it was not kept: screening-000.0000@')
  })
})

describe('backup of a folder whose ledger has vanished', () => {
  test('is refused, also where another command has begun an empty one since', async () => {
    const copy = await copyOf()
    await rm(join(copy, 'ledger'), { recursive: true })
    const out = join(folder.path, 'backup')
    expect(await refused(['backup', '--out', out], copy)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/There is no ledger in .*Restore it/) as string,
    })
    expect((await runCommand('verify', '--data-dir', copy)).code).toBe(3)
    const { code, err } = await runCommand('backup', '--out', out, '--data-dir', copy)
    expect(code).toBe(3)
    expect(err).toMatch(/The copy does not verify, so it was not kept: screening-000\.0000: the log holds \d+ records/)
    expect(await readdir(folder.path)).not.toContain('backup')
  })
})
