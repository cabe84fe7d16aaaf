import { MadeJournal, policyWith } from '@riskledger/screening/src/testing/made-journal'
import { MemoryLedger } from '@riskledger/testing'
import { verifyLedger } from './verify-ledger'

const HASH = 'a'.repeat(64)

/** What `verify` says of a journal; the artifacts that it refers to are nobody's concern here. */
async function faultsOf({ recorded }: MadeJournal): Promise<readonly { readonly revision: number; readonly reason: string }[]> {
  const ledger = new MemoryLedger()
  await ledger.append('screening-000.0000', 'no-stream', recorded)
  const { faults } = await verifyLedger(ledger, { environment: '' })
  return faults.filter(({ reason }) => !reason.startsWith('artifact')).map(({ revision, reason }) => ({ revision, reason }))
}

let journal: MadeJournal
beforeEach(() => {
  journal = new MadeJournal({ policy: policyWith() })
})

test('tenures rise by one', async () => {
  journal.beginTenure(2)
  expect(await faultsOf(journal)).toEqual([])
  journal.beginTenure(4)
  expect(await faultsOf(journal)).toEqual([{ revision: 4, reason: 'tenure 4 follows tenure 2' }])
})

test('the state that is attested is that of the tenure that holds the partition', async () => {
  journal.beginTenure(2)
  journal.attest(2, HASH)
  expect(await faultsOf(journal)).toEqual([])
  journal.attest(1, HASH)
  expect(await faultsOf(journal)).toEqual([{ revision: 5, reason: 'it attests the state of tenure 1 in tenure 2' }])
})
