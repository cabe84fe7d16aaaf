import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectLedger } from '@riskledger/ledger'
import { parsePolicy, type AcceptedPolicy } from '@riskledger/policy'
import { installationRoot } from '@riskledger/runtime'
import { challengeDraw } from '@riskledger/screener'
import { generateScenario } from '@riskledger/simulation'
import { Command, type Ended } from './demo-process'
import { screenInMemory } from './screen-in-memory'

const SMALL = ['--accounts', '60', '--days', '20', '--seed', '3']
/** Too short for habits, and enough to see it begin and end. */
const SHORT = ['--accounts', '60', '--days', '10', '--seed', '3']
const DEFAULT_POLICY = join(installationRoot(), 'policies', 'default.yaml')
const TEST_SECRET = 'riskledger test secret, for files and the demo only'

let folder: string
const started: Command[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'riskledger-demo-'))
})

afterEach(async () => {
  for (const command of started.splice(0)) await command.dispose()
  await rm(folder, { recursive: true, force: true })
})

function start(...args: string[]): Command {
  const command = new Command(args, { cwd: folder })
  started.push(command)
  return command
}

function run(...args: string[]): Promise<Ended> {
  return start(...args).ended
}

describe('riskledger up --demo', () => {
  test('--once --json: one object, equal to the core alone, repeatable, and proved by replay and verify', async () => {
    const first = await run('up', '--demo', '--once', '--json', ...SMALL)
    expect(first).toMatchObject({ code: 0, stderr: '' })
    const result = JSON.parse(first.stdout) as Record<string, number | string> & { verdicts: object; cases: { caught: boolean }[] }
    const items = [...generateScenario({ seed: 3, accounts: 60, days: 20 })]
    const alone = screenInMemory(items, { policy: defaultPolicy(), draw: challengeDraw(TEST_SECRET, 0) })
    expect(result).toMatchObject({ inputs: items.length, ...alone.statuses, verdicts: alone.verdicts })
    expect(result.cases).toHaveLength(5)
    expect(result.oddities).toBe(6)
    const replay = await run('--data-dir', join('.riskledger', 'demo'), 'replay', '--json')
    expect(replay.code).toBe(0)
    expect(JSON.parse(replay.stdout)).toMatchObject({ inputs: items.length, mismatches: 0 })
    const verify = await run('--data-dir', join('.riskledger', 'demo'), 'verify', '--json')
    expect(verify.code).toBe(0)
    const again = JSON.parse((await run('up', '--demo', '--once', '--json', ...SMALL)).stdout) as typeof result
    expect(again.inputs).toBe(items.length)
    expect(again.journalDigest).toBe(result.journalDigest)
  }, 300_000)

  test('prints the decisions of the day of trouble with reasons, the summary, and next steps that work', async () => {
    const { code, stdout } = await run('up', '--demo', '--once', ...SMALL)
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^RiskLedger \d+\.\d+\.\d+ {3}ledger esdb:\/\/127\.0\.0\.1:\d+\?tls=false {3}data \.riskledger.demo {3}policy default/,
    )
    expect(stdout).toMatch(/^02:40:18 {2}hold .* payment +\$3,000\.00 {2}\$3,000\.00 against a habit/m)
    expect(stdout).toMatch(/^ {2}inputs .* quarantined 8$/m)
    expect(stdout).toMatch(/^ {2}planted {5}\d of 5 cases caught · 0 of 6 honest oddities held/m)
    const next = /npx riskledger (--data-dir \S+ explain [0-9a-f-]{36})/.exec(stdout)
    const explained = await run(...next![1].split(' '))
    expect(explained.code).toBe(0)
    expect(explained.stdout).toMatch(/^HOLD .*\$3,000\.00/)
  }, 300_000)

  test('takes an empty folder and its own, never another', async () => {
    const own = join(folder, 'own')
    expect((await run('--data-dir', own, 'up', '--demo', '--once', '--json', ...SHORT)).code).toBe(0)
    expect((await run('--data-dir', own, 'up', '--demo', '--once', '--json', ...SHORT)).code).toBe(0)
    const other = join(folder, 'other')
    await mkdir(other)
    await writeFile(join(other, 'thesis.txt'), 'three years of work')
    const refused = await run('--data-dir', other, 'up', '--demo', '--once')
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain(`${other} holds thesis.txt and is not the demo's`)
    expect(await readdir(other)).toEqual(['thesis.txt'])
    expect(await readFile(join(other, 'thesis.txt'), 'utf8')).toBe('three years of work')
  }, 300_000)

  test.each([
    ['--days', '3', '--days is 3; it must be an integer from 10 to 3650'],
    ['--accounts', '5', '--accounts is 5; it must be an integer from 60 to 1000000'],
  ])('refuses %s %s', async (flag, value, message) => {
    const { code, stderr } = await run('up', '--demo', '--once', flag, value)
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })
})

describe('riskledger up', () => {
  test('stays up until it is stopped; Ctrl-C in the middle ends with 130, SIGTERM while it waits with 0, and it goes on where it stopped', async () => {
    const demo = start('up', '--demo', ...SHORT)
    await demo.says(/Playing 10 days/)
    demo.signal('SIGINT')
    const stopped = await demo.ended
    expect(stopped.code).toBe(130)
    expect(stopped.stderr).toContain('Stopped in the middle.')

    const second = start('up', '--demo', ...SHORT)
    const [, connectionString] = await second.says(/Stays up: ledger (esdb:\S+)/)
    const inUse = await run('--data-dir', join('.riskledger', 'demo'), 'up', '--once')
    expect(inUse.code).toBe(5)
    const ledger = await connectLedger({ connectionString })
    const types: string[] = []
    for await (const entry of ledger.readStream('screening-000.0000', { from: 'start', direction: 'forwards', maxCount: 3 }))
      types.push(entry.type)
    await ledger.close()
    expect(types[0]).toBe('SegmentOpened')
    second.signal('SIGTERM')
    expect(await second.ended).toMatchObject({ code: 0 })

    const plain = await run('--data-dir', join('.riskledger', 'demo'), 'up', '--once', '--json')
    expect(plain.code).toBe(0)
    expect(JSON.parse(plain.stdout)).toMatchObject({ taken: 0 })
  }, 300_000)

  test('puts a policy into force that is asked for while it waits', async () => {
    const up = start('up')
    await up.says(/Stays up/)
    const file = join(folder, 'other.yaml')
    await writeFile(file, readFileSync(DEFAULT_POLICY, 'utf8').replace('name: default', 'name: other'))
    const activated = await run('policy', 'activate', file)
    expect(activated).toMatchObject({ code: 0, stderr: '' })
    await up.says(/Policy other \(sha256 [0-9a-f]{12}…\) goes into force/)
    up.signal('SIGINT')
    expect((await up.ended).code).toBe(0)
    expect((await run('up', '--once')).stdout).toContain('policy other')
  }, 300_000)

  test('begins a new folder, also beside the folders of the demo', async () => {
    await run('up', '--demo', '--once', '--json', ...SHORT)
    const { code, stdout } = await run('up', '--once')
    expect(code).toBe(0)
    expect(stdout).toMatch(/policy default/)
    expect(stdout).toContain('All 0 inputs in the log are in the ledger.')
  }, 300_000)

  test('a part that dies ends it with one clear line', async () => {
    const up = start('up')
    const [, connectionString] = await up.says(/Stays up: ledger (esdb:\S+)/)
    const ledger = await connectLedger({ connectionString })
    let revision = -1
    for await (const entry of ledger.readStream('screening-000.0000', { from: 'end', direction: 'backwards', maxCount: 1 }))
      revision = entry.revision
    const forged = {
      id: '00000000-0000-4000-8000-000000000001',
      type: 'InputsScreened',
      contentType: 'binary',
      data: Buffer.from('forged'),
      metadata: Buffer.from('{}'),
    } as const
    await ledger.append('screening-000.0000', revision, [forged])
    await ledger.close()
    const { code, stderr } = await up.ended
    expect(code).toBe(3)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).toContain(`screening-000.0000@${revision + 1}`)
  }, 300_000)
})

function defaultPolicy(): AcceptedPolicy {
  const result = parsePolicy(readFileSync(DEFAULT_POLICY, 'utf8'))
  if (result.kind === 'rejected') throw new Error(result.problems[0].message)
  return result
}
