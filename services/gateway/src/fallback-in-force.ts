import { RiskError, type Ledger, type Logger } from '@riskledger/contracts'
import { loadArtifact, ZERO_HASH } from '@riskledger/journal'
import { fallbackOf, readPolicy, type FallbackPolicy } from '@riskledger/policy'

/** Where policies lie, and what is told before one is known. */
export interface FallbackInForceOptions {
  readonly ledger: Ledger
  readonly environment: string
  readonly initial: FallbackPolicy
  readonly logger: Logger
}

/**
 * The fallback of the policy in force. A policy goes into force in each partition's journal on its own, within moments; here the one that was heard of last
 * counts. One that cannot be loaded is said, and the one before it stays.
 */
export class FallbackInForce {
  private fallback: FallbackPolicy
  private hash = ZERO_HASH
  private loading: Promise<void> = Promise.resolve()

  constructor(private readonly options: FallbackInForceOptions) {
    this.fallback = options.initial
  }

  get current(): FallbackPolicy {
    return this.fallback
  }

  /** A policy is in force. Resolves once its fallback counts; never rejects. */
  follow(policyHash: string): Promise<void> {
    if (policyHash === this.hash || policyHash === ZERO_HASH) return this.loading
    this.hash = policyHash
    this.loading = this.loading.then(() => this.load(policyHash))
    return this.loading
  }

  private async load(policyHash: string): Promise<void> {
    const { ledger, environment, logger } = this.options
    try {
      const { bytes } = await loadArtifact(ledger, policyHash, environment)
      const read = readPolicy(bytes)
      if (read.kind === 'rejected') throw new RiskError('policy-invalid', read.problems[0].message, { retriable: false })
      this.fallback = fallbackOf(read.policy)
    } catch (error) {
      logger.warn('the fallback of the policy in force cannot be had; the one before it stays', { policyHash, error })
    }
  }
}
