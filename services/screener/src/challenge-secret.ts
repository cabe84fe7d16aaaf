import { createHash } from 'node:crypto'
import { RiskError, type Logger } from '@riskledger/contracts'
import type { Policy } from '@riskledger/policy'

/** The stated secret of files and the demo: draws made with it prove nothing about secrecy, only that they repeat. */
export const TEST_CHALLENGE_SECRET = 'riskledger test secret, for files and the demo only'

/** Refuses, with `configuration-invalid`, a secret that is not the one to which a policy that draws challenges is committed. */
export function assertChallengeSecret({ randomChallenge }: Policy, secret: string): void {
  const { ratePpm, secretHash } = randomChallenge
  if (ratePpm === 0 || createHash('sha256').update(secret).digest('hex') === secretHash) return
  throw new RiskError(
    'configuration-invalid',
    `the challenge secret is not the one that the policy is committed to (its SHA-256 must be ${secretHash}). Set RISKLEDGER_CHALLENGE_SECRET, or set randomChallenge.ratePpm to 0 in the policy.`,
    { retriable: false },
  )
}

/** As `assertChallengeSecret`; besides warns, once, where live input is drawn from with the secret that everybody can read. */
export function challengeSecretCheck({
  secret,
  isLive,
  logger,
}: {
  readonly secret: string
  readonly isLive: boolean
  readonly logger: Logger
}): (policy: Policy) => void {
  let warns = isLive && secret === TEST_CHALLENGE_SECRET
  return (policy) => {
    assertChallengeSecret(policy, secret)
    if (!warns || policy.randomChallenge.ratePpm === 0) return
    warns = false
    logger.warn(
      'random challenges are drawn with the public test secret, so anybody can tell which input is drawn: set RISKLEDGER_CHALLENGE_SECRET to a secret of your own, and randomChallenge.secretHash in the policy to its SHA-256',
    )
  }
}
