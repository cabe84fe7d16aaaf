import { RiskError, type Ledger } from '@riskledger/contracts'
import { encodeLedgerJson } from '@riskledger/events'
import { emptyHead, lastEntry, policiesStream, sealEntry, ZERO_HASH, type ChainHead } from '@riskledger/journal'
import type { AcceptedPolicy } from '@riskledger/policy'
import { PolicyShelf } from '@riskledger/screener'

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

/** Stores a policy and appends `PolicyRequested` to the stream that running screeners follow. Resolves to the request's revision. */
export async function requestPolicy({
  ledger,
  environment,
  engineHash,
  policy,
  requestedBy,
  requestedAtMs,
}: PolicyRequest): Promise<number> {
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

/** What a process that screens does with requests. */
export interface PolicyFollower {
  readonly ledger: Ledger
  readonly environment: string
  /** Following ends, without error, when it aborts. */
  readonly signal: AbortSignal
  /** Puts the policy into force at the next batch boundary. Throws a `RiskError` where this process cannot: that is told, and following goes on. */
  readonly activate: (policy: AcceptedPolicy) => void
  /** Hears of requests that were not followed, in words. */
  readonly onRefused: (message: string) => void
}

/** Follows the requests made from now on. Resolves once `signal` aborts; rejects where the ledger cannot be followed. */
export async function followPolicyRequests({ ledger, environment, signal, activate, onRefused }: PolicyFollower): Promise<void> {
  const stream = policiesStream(environment)
  const policies = new PolicyShelf(ledger, environment)
  const last = await lastEntry(ledger, stream)
  for await (const message of ledger.subscribeToStream(stream, { after: last === null ? 'start' : last.recorded.revision, signal })) {
    if (message.kind !== 'entry' || message.entry.type !== 'PolicyRequested') continue
    const { policyHash } = JSON.parse(Buffer.from(message.entry.data).toString('utf8')) as { policyHash: string }
    try {
      activate(await policies.load(policyHash))
    } catch (error) {
      if (!(error instanceof RiskError)) throw error
      onRefused(`Policy ${policyHash.slice(0, 12)}… was asked for and not put into force: ${error.message}`)
    }
  }
}

async function headOf(ledger: Ledger, stream: string): Promise<ChainHead> {
  const last = await lastEntry(ledger, stream)
  return last === null ? emptyHead(stream) : { stream, revision: last.recorded.revision, entryHash: last.metadata.entryHash }
}
