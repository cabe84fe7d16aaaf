import type { Policy } from '@riskledger/policy'
import type { ProfileOptions } from '@riskledger/profiles'

/** The state parameters of a policy, as the profiles take them. */
export function profileOptions(policy: Policy): ProfileOptions {
  return policy.state
}
