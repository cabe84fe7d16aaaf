import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parsePolicy, type Policy } from '@riskledger/policy'
import { installationRoot } from '@riskledger/runtime'
import { KeptLogger } from '@riskledger/testing'
import { assertChallengeSecret, challengeSecretCheck, TEST_CHALLENGE_SECRET } from './challenge-secret'

const parsed = parsePolicy(readFileSync(join(installationRoot(), 'policies', 'default.yaml'), 'utf8'))
if (parsed.kind === 'rejected') throw new Error('the default policy is rejected')
const POLICY = parsed.policy

function committedTo(secret: string, ratePpm = 500): Policy {
  return {
    ...POLICY,
    randomChallenge: { ...POLICY.randomChallenge, ratePpm, secretHash: createHash('sha256').update(secret).digest('hex') },
  }
}

test('a secret other than the one that the policy is committed to is refused, where the policy draws at all', () => {
  expect(() => assertChallengeSecret(committedTo('secret'), 'secret')).not.toThrow()
  expect(() => assertChallengeSecret(committedTo('secret'), 'secreT')).toThrow(/RISKLEDGER_CHALLENGE_SECRET/)
  expect(() => assertChallengeSecret(committedTo('secret', 0), 'secreT')).not.toThrow()
})

test.each([
  { secret: TEST_CHALLENGE_SECRET, isLive: true, ratePpm: 500, warnings: 1 },
  { secret: TEST_CHALLENGE_SECRET, isLive: true, ratePpm: 0, warnings: 0 },
  { secret: TEST_CHALLENGE_SECRET, isLive: false, ratePpm: 500, warnings: 0 },
  { secret: 'of our own', isLive: true, ratePpm: 500, warnings: 0 },
])('the public secret is warned of once, where live input is drawn with it: %p', ({ secret, isLive, ratePpm, warnings }) => {
  const logger = new KeptLogger()
  const check = challengeSecretCheck({ secret, isLive, logger })
  for (let partition = 0; partition < 3; partition++) check(committedTo(secret, ratePpm))
  expect(logger.lines.map(({ level }) => level)).toEqual(Array(warnings).fill('warn'))
})

test('the policy that ships is committed to the public secret', () => {
  expect(() => assertChallengeSecret(POLICY, TEST_CHALLENGE_SECRET)).not.toThrow()
})
