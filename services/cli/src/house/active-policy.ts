import { RiskError, type Ledger } from '@riskledger/contracts'
import { loadArtifact } from '@riskledger/journal'
import { readPolicy, type AcceptedPolicy } from '@riskledger/policy'

/** Finds a policy of a journal: the first that it was begun with, or the one in force at its end. Throws `not-found` where there is none. */
export async function activePolicy(
  ledger: Ledger,
  options: { readonly stream: string; readonly which: 'first' | 'last'; readonly environment?: string },
): Promise<AcceptedPolicy> {
  const hash = await policyHash(ledger, options)
  const result = readPolicy((await loadArtifact(ledger, hash, options.environment)).bytes)
  if (result.kind === 'accepted') return result
  throw new RiskError('policy-invalid', `policy ${hash} in the ledger cannot be read by this version: ${result.problems[0].message}`, {
    retriable: false,
  })
}

const NOT_BEGUN: ReadonlySet<string> = new Set(['not-found', 'stream-not-found'])

/** The same of a journal that may not have begun yet: null then. */
export async function activePolicyIfAny(...[ledger, options]: Parameters<typeof activePolicy>): Promise<AcceptedPolicy | null> {
  try {
    return await activePolicy(ledger, options)
  } catch (error) {
    if (error instanceof RiskError && NOT_BEGUN.has(error.code)) return null
    throw error
  }
}

async function policyHash(
  ledger: Ledger,
  { stream, which }: { readonly stream: string; readonly which: 'first' | 'last' },
): Promise<string> {
  if (which === 'last') {
    for await (const entry of ledger.readStream(stream, { from: 'end', direction: 'backwards', maxCount: 1 })) {
      return (JSON.parse(Buffer.from(entry.metadata).toString('utf8')) as { policyHash: string }).policyHash
    }
  } else {
    for await (const entry of ledger.readStream(stream, { from: 'start', direction: 'forwards' })) {
      if (entry.type === 'PolicyActivated')
        return (JSON.parse(Buffer.from(entry.data).toString('utf8')) as { policyHash: string }).policyHash
    }
  }
  throw new RiskError('not-found', `${stream} has no policy yet`, { retriable: false })
}
