import { RiskError, type Ledger, type Logger } from '@riskledger/contracts'
import { loadArtifact, ZERO_HASH } from '@riskledger/journal'
import { fallbackOf, readPolicy, type FallbackPolicy } from '@riskledger/policy'
import { loggedRetry, type LoopTimers } from '@riskledger/runtime'

/** Where policies lie, and what is told before one is known. */
export interface FallbackInForceOptions {
  readonly ledger: Ledger
  readonly environment: string
  readonly initial: FallbackPolicy
  readonly logger: Logger
  /** How it waits before it asks again a ledger that was away; default: as the process does. */
  readonly timers?: Pick<LoopTimers, 'sleep'> | undefined
}

/**
 * The fallback of the policy in force. A policy goes into force in each partition's journal on its own, within moments; here the one that was heard of last
 * counts. Until it is loaded the one before it stays: a ledger that is away is asked again until another policy comes or this is closed, and a policy that
 * cannot be loaded is said.
 */
export class FallbackInForce {
  private fallback: FallbackPolicy
  private hash = ZERO_HASH
  private loading: Promise<void> = Promise.resolve()
  /** Aborts once another policy comes, which replaces it, and for good once this is closed. */
  private superseded = new AbortController()

  constructor(private readonly options: FallbackInForceOptions) {
    this.fallback = options.initial
  }

  get current(): FallbackPolicy {
    return this.fallback
  }

  /** A policy is in force. Resolves once its fallback counts, or is not asked for any more; never rejects. */
  follow(policyHash: string): Promise<void> {
    if (this.superseded.signal.aborted || policyHash === this.hash || policyHash === ZERO_HASH) return this.loading
    this.hash = policyHash
    this.superseded.abort()
    this.superseded = new AbortController()
    this.loading = this.load(policyHash, this.superseded.signal)
    return this.loading
  }

  /** Asks the ledger no more. A read that is under way ends with the ledger's connection, unheard. */
  close(): void {
    this.superseded.abort()
  }

  private async load(policyHash: string, signal: AbortSignal): Promise<void> {
    const { logger, timers } = this.options
    try {
      const fallback = await loggedRetry(() => this.read(policyHash), {
        name: `loading policy ${policyHash}`,
        retry: { maxAttempts: Infinity },
        signal,
        timers,
        logger,
        context: { part: 'fallback', policyHash },
      })
      if (!signal.aborted) this.fallback = fallback
    } catch (error) {
      if (signal.aborted) return
      logger.warn('the fallback of the policy in force cannot be had; the one before it stays', { policyHash, error })
    }
  }

  private async read(policyHash: string): Promise<FallbackPolicy> {
    const { ledger, environment } = this.options
    const { bytes } = await loadArtifact(ledger, policyHash, environment)
    const read = readPolicy(bytes)
    if (read.kind === 'rejected') throw new RiskError('policy-invalid', read.problems[0].message, { retriable: false })
    return fallbackOf(read.policy)
  }
}
