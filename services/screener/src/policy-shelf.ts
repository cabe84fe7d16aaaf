import { RiskError, type Ledger } from '@riskledger/contracts'
import { artifactHash, loadArtifact, storeArtifact } from '@riskledger/journal'
import { readPolicy, type AcceptedPolicy } from '@riskledger/policy'

/** Policies by hash, as the ledger keeps them: loaded once, then at hand. */
export class PolicyShelf {
  private readonly policies = new Map<string, AcceptedPolicy>()

  constructor(
    private readonly ledger: Ledger,
    private readonly environment: string,
  ) {}

  /** Stores a policy in the ledger, where it is not yet, and keeps it at hand. */
  async store(policy: AcceptedPolicy): Promise<void> {
    await storeArtifact(
      this.ledger,
      { bytes: policy.canonicalBytes, mediaType: 'application/vnd.riskledger.policy+json' },
      this.environment,
    )
    this.policies.set(policy.hash, policy)
  }

  /** Loads the policy with this hash; throws `policy-invalid` where the ledger's content is none that this version can read. */
  async load(hash: string): Promise<AcceptedPolicy> {
    const held = this.policies.get(hash)
    if (held !== undefined) return held
    const { bytes } = await loadArtifact(this.ledger, hash, this.environment)
    const result = readPolicy(bytes)
    if (result.kind === 'rejected') {
      const first = result.problems[0]
      throw new RiskError(
        'policy-invalid',
        `policy ${hash} in the ledger cannot be read by this version: ${first.path}: ${first.message}`,
        { retriable: false },
      )
    }
    const accepted: AcceptedPolicy = { ...result, hash: artifactHash(bytes) }
    this.policies.set(hash, accepted)
    return accepted
  }

  /** A policy that was loaded before. */
  get(hash: string): AcceptedPolicy {
    const policy = this.policies.get(hash)
    if (policy === undefined) throw new Error(`policy ${hash} was not loaded`)
    return policy
  }
}
