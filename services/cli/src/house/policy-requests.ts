import { RiskError, type Ledger, type Logger } from '@riskledger/contracts'
import { encodeLedgerJson } from '@riskledger/events'
import { emptyHead, lastEntry, policiesStream, screeningStream, sealEntry, ZERO_HASH, type ChainHead } from '@riskledger/journal'
import type { AcceptedPolicy, Policy } from '@riskledger/policy'
import { loggedRetry } from '@riskledger/runtime'
import { assertSameEpochs, PolicyShelf } from '@riskledger/screener'
import { activePolicy } from './active-policy'

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
  readonly logger: Logger
}

/**
 * Follows the requests made from now on, each once. Resolves once `signal` aborts. A ledger that does not answer is asked again with growing pauses, from the last
 * request heard; rejects where it has not answered 100 tries in a row, with `limit-reached`, and where it cannot be followed.
 */
export async function followPolicyRequests(follower: PolicyFollower): Promise<void> {
  const { signal, logger } = follower
  const following = new RequestsFollowed(follower)
  while (!signal.aborted) {
    try {
      await loggedRetry(() => following.follow(), {
        name: 'following policy requests',
        signal,
        logger,
        context: { part: 'policy-requests' },
      })
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
}

/** How far requests have been followed, over all tries. */
class RequestsFollowed {
  private readonly stream: string
  private readonly policies: PolicyShelf
  /** Revision of the last request heard; undefined until it was looked up where the stream ended. */
  private after: number | 'start' | undefined

  constructor(private readonly follower: PolicyFollower) {
    const { ledger, environment } = follower
    this.stream = policiesStream(environment)
    this.policies = new PolicyShelf(ledger, environment)
  }

  /** Follows until the signal aborts or the ledger is lost. Rejects where it was lost before it had said anything: tries are counted from its last word. */
  async follow(): Promise<void> {
    const { ledger, signal, logger } = this.follower
    let heard = false
    try {
      this.after ??= (await lastEntry(ledger, this.stream))?.recorded.revision ?? 'start'
      for await (const message of ledger.subscribeToStream(this.stream, { after: this.after, signal })) {
        if (message.kind === 'entry') {
          if (message.entry.type === 'PolicyRequested') await this.heed(message.entry.data)
          this.after = message.entry.revision
        }
        heard = true
      }
    } catch (error) {
      if (!heard || !(error instanceof RiskError) || !error.retriable) throw error
      logger.warn('policy requests are followed anew', { code: error.code, reason: error.message })
    }
  }

  /** A policy that cannot be read for now is asked for again; one that cannot be put into force is told of. */
  private async heed(data: Uint8Array): Promise<void> {
    const { policyHash } = JSON.parse(Buffer.from(data).toString('utf8')) as { policyHash: string }
    try {
      this.follower.activate(await this.policies.load(policyHash))
    } catch (error) {
      if (!(error instanceof RiskError) || error.retriable) throw error
      this.follower.onRefused(`Policy ${policyHash.slice(0, 12)}… was asked for and not put into force: ${error.message}`)
    }
  }
}

const NOT_BEGUN: ReadonlySet<string> = new Set(['not-found', 'stream-not-found'])

/** The policy that the first partition's journal began with, as every other did; null before that. */
async function begunWith(ledger: Ledger, environment: string): Promise<Policy | null> {
  try {
    return (await activePolicy(ledger, { stream: screeningStream(0, 0, environment), which: 'first', environment })).policy
  } catch (error) {
    if (error instanceof RiskError && NOT_BEGUN.has(error.code)) return null
    throw error
  }
}

async function headOf(ledger: Ledger, stream: string): Promise<ChainHead> {
  const last = await lastEntry(ledger, stream)
  return last === null ? emptyHead(stream) : { stream, revision: last.recorded.revision, entryHash: last.metadata.entryHash }
}
