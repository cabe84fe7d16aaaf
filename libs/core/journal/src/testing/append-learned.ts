import type { Ledger } from '@riskledger/contracts'
import { encodeRelationsLearned, type RelationsLearned } from '../relations-learned'
import { sealEntry, ZERO_HASH, type ChainHead } from '../seal-entry'

/** Appends an entry of relations' behind `head`, as they would; returns its place. */
export async function appendLearned(ledger: Pick<Ledger, 'append'>, head: ChainHead, learned: RelationsLearned): Promise<ChainHead> {
  const data = encodeRelationsLearned(learned)
  const metadata = { engineHash: ZERO_HASH, policyHash: ZERO_HASH }
  const sealed = sealEntry(head, { type: 'RelationsLearned', contentType: 'binary', data, metadata })
  await ledger.append(head.stream, head.revision < 0 ? 'no-stream' : head.revision, [sealed.proposed])
  return sealed.head
}
