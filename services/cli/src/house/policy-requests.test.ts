import { readFileSync } from 'node:fs'
import { policiesStream, ZERO_HASH } from '@riskledger/journal'
import { parsePolicy, type AcceptedPolicy } from '@riskledger/policy'
import { PolicyShelf, takeOver } from '@riskledger/screener'
import { KeptLogger, MemoryLedger } from '@riskledger/testing'
import { DEFAULT_POLICY_FILE } from '../commands/load-policy'
import { requestPolicy } from './policy-requests'

const YAML = readFileSync(DEFAULT_POLICY_FILE, 'utf8')
const OTHER_EPOCHS = policyOf(YAML.replace(/epochMs: \d+/, 'epochMs: 1800000'))

function policyOf(text: string): AcceptedPolicy {
  const result = parsePolicy(text)
  if (result.kind === 'rejected') throw new Error(result.problems[0].message)
  return result
}

const request = (ledger: MemoryLedger, policy: AcceptedPolicy): Promise<number> =>
  requestPolicy({ ledger, environment: '', engineHash: ZERO_HASH, policy, requestedBy: 'process-1', requestedAtMs: 1 })

/** A ledger whose first journal began with the policy that ships. */
async function begunLedger(): Promise<MemoryLedger> {
  const ledger = new MemoryLedger()
  await takeOver({
    partition: 0,
    partitionCount: 1,
    environment: '',
    workerId: 'w-1',
    engineHash: ZERO_HASH,
    log: null,
    ledger,
    snapshots: null,
    policies: new PolicyShelf(ledger, ''),
    policy: policyOf(YAML),
    firstPolicy: null,
    logger: new KeptLogger(),
  })
  return ledger
}

test('a policy by whose epochs no journal can go on is refused before anything is stored', async () => {
  const ledger = await begunLedger()
  const before = ledger.all.length
  await expect(request(ledger, OTHER_EPOCHS)).rejects.toMatchObject({
    code: 'policy-invalid',
    message: expect.stringContaining('relations.epochMs') as string,
  })
  expect(ledger.all).toHaveLength(before)
  expect(await request(ledger, policyOf(YAML.replace('name: default', 'name: other')))).toBe(0)
  expect(ledger.entriesOf(policiesStream(''))).toHaveLength(1)
})

test('a ledger whose journals have not begun can be asked for any', async () => {
  const ledger = new MemoryLedger()
  expect(await request(ledger, OTHER_EPOCHS)).toBe(0)
})
