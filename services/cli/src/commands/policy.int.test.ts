import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TEST_CHALLENGE_SECRET } from '@riskledger/screener'
import { KeptLogger } from '@riskledger/testing'
import { bundleEngine } from '../house/engine'
import { EMBEDDED, openHouse } from '../house/open-house'
import { followPolicyRequests, policyRequestsEnd } from '../house/follow-policy-requests'
import { loadScreeningParts, startScreeningRun } from '../house/screening-run'
import { runCommand, runJson } from '../testing/run-command'
import { temporaryFolder, writeSmallScenario } from '../testing/small-scenario'
import { DEFAULT_POLICY_FILE } from './load-policy'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let dataDir: string
let defaultHash: string

/** The default policy under another name, with another grace: another hash. */
async function otherPolicy(name: string): Promise<string> {
  const file = join(folder.path, `${name}.yaml`)
  const text = await readFile(DEFAULT_POLICY_FILE, 'utf8')
  await writeFile(file, text.replace(/^name: default$/m, `name: ${name}`))
  return file
}

async function hashOf(file: string): Promise<string> {
  return (await runJson<{ hash: string }>('policy', 'check', file)).value.hash
}

beforeAll(async () => {
  folder = await temporaryFolder()
  dataDir = join(folder.path, 'data')
  const file = join(folder.path, 'events.ndjson')
  await writeSmallScenario(file, { hours: 2 })
  expect((await runCommand('screen', file, '--data-dir', dataDir, '--json')).code).toBe(0)
  defaultHash = await hashOf(DEFAULT_POLICY_FILE)
})

afterAll(() => folder.remove())

describe('policy check', () => {
  test('gives the hash and name of a good policy', async () => {
    const { out, code } = await runCommand('policy', 'check', DEFAULT_POLICY_FILE)
    expect(code).toBe(0)
    expect(out).toContain(`is policy default, ${defaultHash}`)
  })

  test('names everything that is wrong, with line and column', async () => {
    const file = join(folder.path, 'bad.yaml')
    await writeFile(
      file,
      (await readFile(DEFAULT_POLICY_FILE, 'utf8')).replace(/graceMs: \d+/, 'graceMs: soon').replace(/maxAccounts:/, 'maxAccountz:'),
    )
    const { out, code } = await runCommand('policy', 'check', file)
    expect(code).toBe(2)
    expect(out.trim().split('\n').length).toBeGreaterThanOrEqual(3)
    for (const line of out.trim().split('\n')) expect(line).toMatch(/bad\.yaml:\d+:\d+: state\./)
    const json = await runJson<{ ok: boolean; problems: { line: number; column: number; path: string }[] }>('policy', 'check', file)
    expect(json.value.ok).toBe(false)
    expect(json.value.problems.map((problem) => problem.path)).toContain('state.graceMs')
  })

  test('says where there is no such file', async () => {
    const { code, err } = await runCommand('policy', 'check', join(folder.path, 'none.yaml'))
    expect(code).toBe(2)
    expect(err).toContain('no such policy file')
  })
})

describe('policy show', () => {
  test('prints a document that policy check takes and finds the same', async () => {
    const { out } = await runCommand('policy', 'show', '--yaml', '--data-dir', dataDir, '--hash', defaultHash)
    const file = join(folder.path, 'shown.yaml')
    await writeFile(file, out)
    expect(await hashOf(file)).toBe(defaultHash)
  })

  test.each([
    ['0'.repeat(64), /holds no policy/],
    ['abc', /64 hexadecimal digits/],
  ])('refuses the hash %s', async (hash, message) => {
    const { code, err } = await runCommand('policy', 'show', '--hash', hash, '--data-dir', dataDir)
    expect(code).toBe(2)
    expect(err).toMatch(message)
  })
})

describe('policy activate', () => {
  test('with nobody at work: an entry in the journal, once', async () => {
    const file = await otherPolicy('calmer')
    const hash = await hashOf(file)
    const { value, code } = await runJson<{ journals: { revision: number }[] }>('policy', 'activate', file, '--data-dir', dataDir)
    expect(code).toBe(0)
    expect(value).toMatchObject({ hash, name: 'calmer', already: false })
    const { revision } = value.journals[0]
    expect((await runJson('policy', 'show', '--data-dir', dataDir)).value).toMatchObject({
      hash,
      name: 'calmer',
      live: true,
      since: `screening-000.0000@${revision}`,
    })
    expect((await runCommand('policy', 'activate', file, '--data-dir', dataDir)).out).toContain('was in force already')
    expect((await runJson('verify', '--data-dir', dataDir)).value).toMatchObject({ faults: [] })
    expect((await runJson('replay', '--data-dir', dataDir)).value).toMatchObject({ mismatches: 0 })
  })

  test('while screeners run: asked through the ledger, followed at a batch boundary though nothing comes in', async () => {
    const file = await otherPolicy('bolder')
    const hash = await hashOf(file)
    const parts = loadScreeningParts(EMBEDDED)
    const house = await openHouse({ ...EMBEDDED, dataDir, command: 'riskledger up', ledgerThread: parts.ledger })
    const after = await policyRequestsEnd(house.ledger, '')
    const run = await startScreeningRun({
      parts,
      house,
      engine: await bundleEngine(),
      policy: null,
      challengeSecret: TEST_CHALLENGE_SECRET,
      environment: '',
      logLevel: 'silent',
      crashAt: undefined,
      files: [],
      mapping: null,
      strict: false,
      tells: 'progress',
    })
    const ending = new AbortController()
    const following = followPolicyRequests({
      ledger: house.ledger,
      environment: '',
      after,
      signal: ending.signal,
      activate: (policy) => run.activate(policy),
      onRefused: () => undefined,
      logger: new KeptLogger(),
    })
    try {
      await run.drained
      const { value, code } = await runJson('policy', 'activate', file, '--data-dir', dataDir)
      expect(code).toBe(0)
      expect(value).toMatchObject({ hash, already: false })
      expect((await runJson('policy', 'show', '--data-dir', dataDir)).value).toMatchObject({ hash, live: true })
    } finally {
      ending.abort()
      await following
      await run.stop()
      await house.close()
      await parts.end()
    }
    expect((await runJson('verify', '--data-dir', dataDir)).value).toMatchObject({ faults: [] })
    expect((await runJson('replay', '--data-dir', dataDir)).value).toMatchObject({ mismatches: 0 })
  })

  test('gives up on a process that does not follow, and says what to do', async () => {
    const file = await otherPolicy('ignored')
    const house = await openHouse({ ...EMBEDDED, dataDir, command: 'riskledger up' })
    try {
      const { code, err } = await runCommand('policy', 'activate', file, '--timeout', '1', '--data-dir', dataDir)
      expect(code).toBe(1)
      expect(err).toMatch(/was asked for policy [0-9a-f]{12}… and it is not in force after 1 s \(screening-000\.0000\)/)
    } finally {
      await house.close()
    }
  })

  test('leaves a folder alone that another command is at work on', async () => {
    const file = await otherPolicy('waiting')
    const house = await openHouse({ ...EMBEDDED, dataDir, command: 'riskledger screen' })
    try {
      const { code, err } = await runCommand('policy', 'activate', file, '--data-dir', dataDir)
      expect(code).toBe(5)
      expect(err).toContain('riskledger screen')
    } finally {
      await house.close()
    }
  })

  test.each([
    [['--timeout', 'soon'], /--timeout is soon/],
    [['--data-dir', '/nowhere/at/all'], /is not a data folder/],
  ])('refuses %j', async (flags, message) => {
    const { code, err } = await runCommand(
      'policy',
      'activate',
      DEFAULT_POLICY_FILE,
      ...(flags.includes('--data-dir') ? flags : [...flags, '--data-dir', dataDir]),
    )
    expect(code).toBe(2)
    expect(err).toMatch(message)
  })
})
