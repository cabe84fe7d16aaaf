import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parsePolicy, type AcceptedPolicy, type Policy } from '@riskledger/policy'

/** The secret to which the default policy is committed. */
export const CHALLENGE_SECRET = 'riskledger test secret, for files and the demo only'

/** Hour of event time that relations learn together. */
export const EPOCH_MS = 3_600_000

/**
 * Three policies of one journal, each with verdicts of its own. Their bounds are small and they count few events as odd, so that a worker starts in a
 * millisecond: compiling the default's tables of unlikely counts takes fifteen. Scores reach verdicts sooner, so that thirty events see all of them.
 */
export function smallPolicies(): readonly AcceptedPolicy[] {
  const text = readFileSync(join(__dirname, '..', '..', '..', 'policies', 'default.yaml'), 'utf8')
  const standard = accepted(parsePolicy(text)).policy
  return [100, 60, 160].map((challenge, index) => accepted(parsePolicy(JSON.stringify(small(standard, `small-${index}`, challenge)))))
}

function small(policy: Policy, name: string, challenge: number): Policy {
  const bands = { challenge, hold: challenge + 100, block: challenge + 250 }
  return {
    ...policy,
    name,
    state: {
      ...policy.state,
      dedupeMaxIds: 40,
      labelDelayMs: 3 * EPOCH_MS,
      maxAccounts: 100,
      maxEventsPerKey: 16,
      maxRemembered: 100,
      maxLoginValues: 50,
    },
    relations: { epochMs: EPOCH_MS, visibilityLagEpochs: 1 },
    detectors: {
      ...policy.detectors,
      velocity: {
        ...policy.detectors.velocity,
        counts: [
          {
            code: 'payments-in-1h',
            events: 'payments',
            window: '1h',
            onlyIfUnlikely: false,
            bands: [
              [2, 40],
              [5, 200],
            ],
          },
          {
            code: 'failed-logins-in-10min',
            events: 'failed-logins',
            window: '10min',
            onlyIfUnlikely: false,
            bands: [
              [1, 40],
              [3, 310],
            ],
          },
        ],
      },
    },
    combinations: policy.combinations.filter(({ name }) => name !== 'card-testing'),
    bands: { payments: bands, logins: bands, 'p2p-trades': bands },
    randomChallenge: { ...policy.randomChallenge, ratePpm: 100_000 },
  }
}

function accepted(result: ReturnType<typeof parsePolicy>): AcceptedPolicy {
  if (result.kind === 'accepted') return result
  throw new Error(result.problems.map(({ path, message }) => `${path} ${message}`).join('; '))
}
