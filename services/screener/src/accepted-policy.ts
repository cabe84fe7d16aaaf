import { readPolicy, type AcceptedPolicy } from '@riskledger/policy'

/** The policy with these canonical bytes, as another thread of this version accepted it. */
export function acceptedPolicy(canonicalBytes: Uint8Array): AcceptedPolicy {
  const result = readPolicy(canonicalBytes)
  if (result.kind === 'rejected') throw new Error(`the policy was accepted before and is not now: ${result.problems[0].message}`)
  return result
}
