import { RiskError, type Ledger } from '@riskledger/contracts'
import { encodeLedgerJson } from '@riskledger/events'
import { emptyHead, lastEntry, policiesStream, screeningStream, sealEntry, ZERO_HASH, type ChainHead } from '@riskledger/journal'
import type { AcceptedPolicy, Policy } from '@riskledger/policy'
import { assertSameEpochs, PolicyShelf } from '@riskledger/screener'
import { activePolicyIfAny } from './active-policy'

/** How often a request is written anew where somebody else wrote one at the same moment. */
const MAX_TRIES = 10

/** Who asks for a policy, and when. */
export interface PolicyRequest {
  readonly ledger: Ledger
  readonly environment: string
  readonly engineHash: string
  readonly policy: AcceptedPolicy
  /** Opaque token of who asks. */
  readonly requestedBy: string
  readonly requestedAtMs: number
}

/**
 * Stores a policy and appends `PolicyRequested` to the stream that running screeners follow. Resolves to the request's revision. Throws `policy-invalid`, and asks for
 * nothing, where no journal of this ledger can go on by it (`assertSameEpochs`).
 */
export async function requestPolicy({
  ledger,
  environment,
  engineHash,
  policy,
  requestedBy,
  requestedAtMs,
}: PolicyRequest): Promise<number> {
  assertSameEpochs(await begunWith(ledger, environment), policy.policy)
  await new PolicyShelf(ledger, environment).store(policy)
  const stream = policiesStream(environment)
  const data = encodeLedgerJson('PolicyRequested', { policyHash: policy.hash, requestedBy, requestedAtMs })
  for (let tries = 1; ; tries++) {
    const head = await headOf(ledger, stream)
    const { proposed } = sealEntry(head, {
      type: 'PolicyRequested',
      contentType: 'json',
      data,
      metadata: { engineHash, policyHash: ZERO_HASH },
    })
    try {
      return await ledger.append(stream, head.revision < 0 ? 'no-stream' : head.revision, [proposed])
    } catch (error) {
      if (!(error instanceof RiskError) || error.code !== 'wrong-expected-revision' || tries >= MAX_TRIES) throw error
    }
  }
}

/** The policy that the first partition's journal began with, as every other did; null before that. */
async function begunWith(ledger: Ledger, environment: string): Promise<Policy | null> {
  const first = await activePolicyIfAny(ledger, { stream: screeningStream(0, 0, environment), which: 'first', environment })
  return first?.policy ?? null
}

async function headOf(ledger: Ledger, stream: string): Promise<ChainHead> {
  const last = await lastEntry(ledger, stream)
  return last === null ? emptyHead(stream) : { stream, revision: last.recorded.revision, entryHash: last.metadata.entryHash }
}
