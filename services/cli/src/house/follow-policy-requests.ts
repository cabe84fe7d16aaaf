import { RiskError, type Ledger, type Logger } from '@riskledger/contracts'
import { lastEntry, policiesStream } from '@riskledger/journal'
import type { AcceptedPolicy } from '@riskledger/policy'
import { loggedRetry } from '@riskledger/runtime'
import { PolicyShelf } from '@riskledger/screener'

/** What a process that screens does with requests. */
export interface PolicyFollower {
  readonly ledger: Ledger
  readonly environment: string
  /** Requests behind it are followed: asked of `policyRequestsEnd` before anything starts, so that none is missed that was made meanwhile. */
  readonly after: PolicyRequestsEnd
  /** Following ends, without error, when it aborts. */
  readonly signal: AbortSignal
  /** Puts the policy into force at the next batch boundary. Throws a `RiskError` where this process cannot: that is told, and following goes on. */
  readonly activate: (policy: AcceptedPolicy) => void
  /** Hears of requests that were not followed, in words. */
  readonly onRefused: (message: string) => void
  readonly logger: Logger
}

/** Revision of the last entry of the requests; `start` where there is none. */
export type PolicyRequestsEnd = number | 'start'

/** Where the requests end now. Throws what the ledger throws. */
export async function policyRequestsEnd(ledger: Ledger, environment: string): Promise<PolicyRequestsEnd> {
  return (await lastEntry(ledger, policiesStream(environment)))?.recorded.revision ?? 'start'
}

/**
 * Follows the requests behind `after`, each once. Resolves once `signal` aborts. A ledger that does not answer is asked again with growing pauses, from the last
 * request heard; rejects where it has not answered 100 tries in a row, with `limit-reached`, and where it cannot be followed.
 */
export async function followPolicyRequests(follower: PolicyFollower): Promise<void> {
  const { ledger, environment, signal, logger } = follower
  const stream = policiesStream(environment)
  const policies = new PolicyShelf(ledger, environment)
  /** The last request heard. */
  let { after } = follower
  const follow = async (onProgress: () => void): Promise<void> => {
    for await (const message of ledger.subscribeToStream(stream, { after, signal })) {
      if (message.kind === 'entry') {
        if (message.entry.type === 'PolicyRequested') await heed(message.entry.data, { follower, policies })
        after = message.entry.revision
      }
      onProgress()
    }
  }
  try {
    await loggedRetry(follow, { name: 'following policy requests', signal, logger, context: { part: 'policy-requests' } })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** A policy that cannot be read for now is asked for again; one that cannot be put into force is told of. */
async function heed(
  data: Uint8Array,
  { follower, policies }: { readonly follower: PolicyFollower; readonly policies: PolicyShelf },
): Promise<void> {
  const { policyHash } = JSON.parse(Buffer.from(data).toString('utf8')) as { policyHash: string }
  try {
    follower.activate(await policies.load(policyHash))
  } catch (error) {
    if (!(error instanceof RiskError) || error.retriable) throw error
    follower.onRefused(`Policy ${policyHash.slice(0, 12)}… was asked for and not put into force: ${error.message}`)
  }
}
