import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DEFAULT_FALLBACK, fallbackOf, fallbackVerdict, parsePolicy, readPolicy, type AcceptedPolicy, type FallbackSubject } from './index'
import { replaced } from './testing/replaced'

const DEFAULT = readFileSync(join(__dirname, '..', '..', '..', '..', 'policies', 'default.yaml'), 'utf8')
const ANSWERS = DEFAULT.slice(DEFAULT.indexOf('\nanswers:\n') + 1)
/** The default policy as it was before policies could have the section, and other fields that may be left out. */
const WITHOUT = replaced(replaced(DEFAULT, ANSWERS, ''), ', notWithinMs: 604800000 }', ' }')

function accepted(text: string): AcceptedPolicy {
  const result = parsePolicy(text)
  if (result.kind === 'rejected') throw new Error(JSON.stringify(result.problems))
  return result
}

test('a policy without the section keeps the hash that was recorded for it before there was one', () => {
  const policy = accepted(WITHOUT)
  expect(policy.hash).toBe('347fe59085ac3071c0d9b344e94f4fb5acc3b3b8d7266af598d24c15fc26e39d')
  expect(readPolicy(policy.canonicalBytes)).toEqual(policy)
  expect(fallbackOf(policy.policy)).toBe(DEFAULT_FALLBACK)
})

test('a policy with the section has another hash, reads back, and brings its own fallback', () => {
  const policy = accepted(replaced(DEFAULT, 'transfer: { allowBelowMinor: 5000,', 'transfer: { allowBelowMinor: 7000,'))
  expect(policy.hash).not.toBe(accepted(DEFAULT).hash)
  expect(readPolicy(policy.canonicalBytes)).toEqual(policy)
  expect(fallbackOf(policy.policy).payments.transfer).toEqual({ allowBelowMinor: 7000, otherwise: 'hold' })
})

test('the default policy states what counts where nothing is stated', () => {
  expect(fallbackOf(accepted(DEFAULT).policy)).toEqual(DEFAULT_FALLBACK)
})

test.each<[string, FallbackSubject, string]>([
  ['a purchase below the limit', { topic: 'payments', kind: 'purchase', amountReferenceMinor: 9_999 }, 'allow'],
  ['a purchase at the limit', { topic: 'payments', kind: 'purchase', amountReferenceMinor: 10_000 }, 'challenge'],
  ['a transfer above its limit', { topic: 'payments', kind: 'transfer', amountReferenceMinor: 9_999 }, 'hold'],
  ['a payment of unknown kind', { topic: 'payments', kind: 'unknown', amountReferenceMinor: 0 }, 'hold'],
  ['a payment of a kind that came later', { topic: 'payments', kind: 'loan', amountReferenceMinor: 1 }, 'hold'],
  ['a kind that is a name of every object', { topic: 'payments', kind: 'constructor', amountReferenceMinor: 1 }, 'hold'],
  ['a payment without an amount', { topic: 'payments', kind: 'purchase' }, 'challenge'],
  ['a login', { topic: 'logins' }, 'challenge'],
  ['a small trade', { topic: 'p2p-trades', amountReferenceMinor: 1 }, 'allow'],
  ['a large trade', { topic: 'p2p-trades', amountReferenceMinor: 5_000 }, 'hold'],
])('%s', (_name, subject, expected) => {
  expect(fallbackVerdict(DEFAULT_FALLBACK, subject)).toBe(expected)
})

test.each([
  ['a misspelt kind', 'transfer: {', 'transfers: {', 'answers.fallback.payments.transfers', /did you mean "transfer"\?/],
  ['a misspelt section', '  fallback:', '  fallbacks:', 'answers.fallbacks', /did you mean "fallback"\?/],
  [
    'a kind left out',
    '      deposit: { allowBelowMinor: 100000, otherwise: challenge }\n',
    '',
    'answers.fallback.payments.deposit',
    /is missing/,
  ],
  ['an amount below 0', 'allowBelowMinor: 100000', 'allowBelowMinor: -1', 'answers.fallback.payments.deposit.allowBelowMinor', /0 or more/],
  ['a verdict that is none', 'logins: challenge', 'logins: maybe', 'answers.fallback.logins', /allowed: allow, challenge, hold, block/],
  [
    'an "otherwise" that allows',
    'p2p-trades: { allowBelowMinor: 5000, otherwise: hold }',
    'p2p-trades: { allowBelowMinor: 5000, otherwise: allow }',
    'answers.fallback.p2p-trades.otherwise',
    /allowed: challenge, hold, block/,
  ],
])('%s is refused', (_name, from, to, path, message) => {
  const result = parsePolicy(replaced(DEFAULT, from, to))
  const problems = result.kind === 'rejected' ? result.problems : []
  expect(problems.find((problem) => problem.path === path)?.message).toMatch(message)
})
