import { createHash } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from '../testing/run-command'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'riskledger-services-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('gateway keys create', () => {
  test('shows the key once and keeps its hash, beside those that are there', async () => {
    const file = join(folder, 'keys.json')
    const made: string[] = []
    for (const [name, role] of [
      ['checkout', 'publisher'],
      ['desk', 'reader'],
    ]) {
      const { code, out } = await runCommand('gateway', 'keys', 'create', '--name', name, '--role', role, '--gateway-keys', file, '--json')
      expect(code).toBe(0)
      made.push((JSON.parse(out) as { key: string }).key)
    }
    const { keys } = JSON.parse(readFileSync(file, 'utf8')) as { keys: { name: string; role: string; sha256: string }[] }
    expect(keys.map(({ name, role }) => [name, role])).toEqual([
      ['checkout', 'publisher'],
      ['desk', 'reader'],
    ])
    expect(keys.map(({ sha256 }) => sha256)).toEqual(made.map((key) => createHash('sha256').update(key).digest('hex')))
    expect(readFileSync(file, 'utf8')).not.toContain(made[0])
  })

  test('makes a file that a gateway of another user can read, whatever the umask; one that is there keeps its mode', async () => {
    const file = join(folder, 'keys.json')
    const create = (name: string) => runCommand('gateway', 'keys', 'create', '--name', name, '--role', 'reader', '--gateway-keys', file)
    const umask = process.umask(0o077)
    try {
      expect((await create('desk')).code).toBe(0)
      expect(statSync(file).mode & 0o777).toBe(0o644)
      chmodSync(file, 0o640)
      expect((await create('office')).code).toBe(0)
      expect(statSync(file).mode & 0o777).toBe(0o640)
    } finally {
      process.umask(umask)
    }
  })

  test('a name that has a key, a name that is none, and no file are refused', async () => {
    const file = join(folder, 'keys.json')
    const create = (name: string, ...more: string[]) => runCommand('gateway', 'keys', 'create', '--name', name, '--role', 'reader', ...more)
    expect((await create('desk', '--gateway-keys', file)).code).toBe(0)
    expect(await create('desk', '--gateway-keys', file)).toMatchObject({
      code: 2,
      err: expect.stringContaining('has a key of desk already'),
    })
    expect(await create('De sk', '--gateway-keys', file)).toMatchObject({ code: 2, err: expect.stringContaining("The key's name") })
    expect(await create('desk')).toMatchObject({ code: 2, err: expect.stringContaining('--gateway-keys') })
  })
})

test.each([
  [['screener'], '--kafka and --ledger'],
  [['relations', '--kafka', '127.0.0.1:1'], '--ledger'],
  [['dispatcher', '--ledger', 'esdb://127.0.0.1:1?tls=false'], '--kafka'],
  [['gateway'], '--kafka and --ledger'],
])('%j alone asks for what it needs', async (args, named) => {
  const { code, err } = await runCommand(...args, '--data-dir', folder)
  expect(code).toBe(2)
  expect(err).toContain(`name ${named}`)
})

test('a screener works named partitions or those of a group, not both', async () => {
  const { code, err } = await runCommand('screener', '--partitions', '0', '--group', 'g', '--data-dir', folder)
  expect(code).toBe(2)
  expect(err).toContain('--partitions works outside of any group')
})

test.each([
  ['--kafka', 'nowhere', 'host:port'],
  ['--ledger', 'http://x', 'connection string'],
  ['--kafka-sasl', 'magic', 'scram-sha-256'],
])('%s %s is refused, with what is allowed', async (flag, value, allowed) => {
  const { code, err } = await runCommand('status', flag, value, '--data-dir', folder)
  expect(code).toBe(2)
  expect(err).toContain(allowed)
})

test('a cluster that is not there is told with its address, and the exit code of a failure of the machine', async () => {
  const { code, err } = await runCommand('topics', 'check', '--kafka', '127.0.0.1:1')
  expect(code).toBe(1)
  expect(err).toContain('127.0.0.1:1')
})
