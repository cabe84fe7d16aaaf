import type { Ledger } from '@riskledger/contracts'
import { lastEntry, screeningStream, ZERO_HASH } from '@riskledger/journal'

/** The hash of the policy in force at the end of each journal, by partition; nothing of one that has none yet. Rejects as the ledger does. */
export async function policiesInForce(
  ledger: Ledger,
  { environment, partitionCount }: { readonly environment: string; readonly partitionCount: number },
): Promise<ReadonlyMap<number, string>> {
  const policies = new Map<number, string>()
  const look = async (partition: number): Promise<void> => {
    const policyHash = (await lastEntry(ledger, screeningStream(partition, 0, environment)))?.metadata.policyHash ?? ZERO_HASH
    if (policyHash !== ZERO_HASH) policies.set(partition, policyHash)
  }
  await Promise.all(Array.from({ length: partitionCount }, (_, partition) => look(partition)))
  return policies
}
