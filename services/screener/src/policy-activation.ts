import type { AcceptedPolicy } from '@riskledger/policy'

/** A policy that was activated, and what tells which journals somebody else has switched since. */
export class PolicyActivation {
  /** Resolves once it is known what the journals were at, or that this cannot be known. */
  readonly known: Promise<void>
  private before: ReadonlyMap<number, string> = new Map()
  private readonly followed = new Set<number>()

  /** `before`: by partition, the hash of the policy that its journal was at then, as far as known; never rejects. */
  constructor(
    readonly policy: AcceptedPolicy,
    before: Promise<ReadonlyMap<number, string>>,
  ) {
    this.known = before.then((policies) => void (this.before = policies))
  }

  /** Tells at which policy this process has left a journal: whoever puts another into one that was at this policy does so after the activation. */
  noteLeft(partition: number, policyHash: string): void {
    if (policyHash === this.policy.hash) this.followed.add(partition)
  }

  /** True where a journal is at a policy that somebody else has put into it after the activation. Good once that is `known`. */
  isOverruled(partition: number, policyHash: string): boolean {
    if (policyHash === this.policy.hash) return false
    const before = this.before.get(partition)
    return this.followed.has(partition) || (before !== undefined && before !== policyHash)
  }
}
