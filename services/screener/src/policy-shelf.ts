import { RiskError, type Ledger } from '@riskledger/contracts'
import { loadArtifact, storeArtifact } from '@riskledger/journal'
import { readPolicy, type AcceptedPolicy } from '@riskledger/policy'

/** Policies that this process has read, by the hash of their bytes: the same bytes are the same policy, and the tables made of it are shared. */
const read = new Map<string, AcceptedPolicy>()
/** More than are in force at a time; the oldest makes room. */
const MOST_READ = 8

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
    // Loaded even where it was read before: a worker must not run on what its ledger has lost.
    const { bytes } = await loadArtifact(this.ledger, hash, this.environment)
    const policy = read.get(hash) ?? readAnew(bytes, hash)
    this.policies.set(hash, policy)
    return policy
  }

  /** A policy that was loaded before. */
  get(hash: string): AcceptedPolicy {
    const policy = this.policies.get(hash)
    if (policy === undefined) throw new Error(`policy ${hash} was not loaded`)
    return policy
  }
}

function readAnew(bytes: Uint8Array, hash: string): AcceptedPolicy {
  const result = readPolicy(bytes)
  if (result.kind === 'rejected') {
    const first = result.problems[0]
    throw new RiskError('policy-invalid', `policy ${hash} in the ledger cannot be read by this version: ${first.path}: ${first.message}`, {
      retriable: false,
    })
  }
  const accepted: AcceptedPolicy = { ...result, hash }
  if (read.size === MOST_READ) read.delete(read.keys().next().value!)
  read.set(hash, accepted)
  return accepted
}
