import * as z from 'zod'
import { points, whole } from './bands'
import { detectors } from './detector-schema'
import { fallback } from './fallback'
import { signalsOf } from './signals'

const DAY_MS = 86_400_000
const MOST_HALF_LIVES_OF_GRACE = 64
const durationMs = whole(0, 36_525 * DAY_MS)
const name = z.string().regex(/^[a-z][a-z0-9-]{0,47}$/, 'is no name; allowed: up to 48 of a-z, 0-9 and "-", a letter first')

const state = z.strictObject({
  maxSkewMs: durationMs,
  graceMs: durationMs,
  dedupeHorizonMs: durationMs,
  dedupeMaxIdsPerAccount: whole(1, 10_000_000),
  dedupeMaxIds: whole(1, 100_000_000),
  labelDelayMs: durationMs,
  labelMemoryMs: durationMs,
  habitHalfLifeMs: whole(1, 36_525 * DAY_MS),
  smallAmountMinor: whole(0, 1_000_000_000),
  amountPriorCount: whole(0, 1_000_000),
  hourPriorCount: whole(0, 1_000_000),
  amountPercentilePpm: whole(1, 999_999),
  alertMemoryMs: durationMs,
  maxAccounts: whole(1, 100_000_000),
  maxEventsPerKey: whole(1, 1_000_000),
  maxRemembered: whole(1, 100_000_000),
  maxLoginValues: whole(1, 10_000_000),
})

const verdictBands = z
  .strictObject({ challenge: whole(1, 1001), hold: whole(1, 1001), block: whole(1, 1001) })
  .refine((from) => from.challenge <= from.hold && from.hold <= from.block, 'are out of order; allowed: challenge <= hold <= block')

const combination = z.strictObject({
  name,
  oneOfEach: z.array(z.array(z.string()).min(1).max(16)).min(2).max(4),
  fromPoints: whole(1, 1000),
  points,
})

/** The shape of a policy document, in the order in which its canonical form lists the fields. */
export const policySchema = z
  .strictObject({
    formatVersion: z.literal(1),
    name,
    referenceCurrency: z.string().regex(/^[A-Z]{3}$/, 'is no currency; allowed: three capital letters (ISO 4217)'),
    state,
    relations: z.strictObject({ epochMs: whole(1, DAY_MS), visibilityLagEpochs: whole(1, 1000) }),
    detectors,
    combinations: z.array(combination).max(32),
    bands: z.strictObject({ payments: verdictBands, logins: verdictBands, 'p2p-trades': verdictBands }),
    randomChallenge: z.strictObject({
      ratePpm: whole(0, 1_000_000),
      secretHash: z.string().regex(/^[0-9a-f]{64}$/, "is no SHA-256; allowed: 64 hexadecimal digits in lower case, the secret's SHA-256"),
      maxScorePoints: whole(0, 1000),
    }),
    // Last and optional: a policy without it keeps the canonical bytes, and the hash, that it had before there was such a section.
    answers: z.strictObject({ fallback }).optional(),
  })
  .check((context) => {
    const policy = context.value
    const complain = (path: (string | number)[], message: string) => context.issues.push({ code: 'custom', input: policy, path, message })
    if (policy.state.graceMs >= policy.state.labelDelayMs) complain(['state', 'graceMs'], 'is too long; allowed: below labelDelayMs')
    if (policy.state.labelMemoryMs < policy.state.labelDelayMs)
      complain(['state', 'labelMemoryMs'], 'is too short; allowed: labelDelayMs or more')
    const codes = new Set<string>()
    for (const { code, path } of signalsOf(policy.detectors)) {
      if (codes.has(code)) complain(path, `"${code}" names two signals; allowed: a code that no other signal has`)
      codes.add(code)
    }
    const names = new Set<string>()
    policy.combinations.forEach((of, index) => {
      if (names.has(of.name)) complain(['combinations', index, 'name'], `"${of.name}" names two combinations; allowed: a name of its own`)
      names.add(of.name)
      of.oneOfEach.forEach((row, at) =>
        row.forEach((code, place) => {
          if (codes.has(code)) return
          complain(['combinations', index, 'oneOfEach', at, place], `"${code}" is no signal; allowed: ${[...codes].join(', ')}`)
        }),
      )
    })
  })

/** What a policy must also keep to before it is put into force; journals may hold earlier ones that do not. */
export const newPolicySchema = policySchema.check((context) => {
  const { graceMs, dedupeHorizonMs, habitHalfLifeMs } = context.value.state
  const complain = (field: string, message: string) =>
    context.issues.push({ code: 'custom', input: context.value, path: ['state', field], message })
  // Else an event could come again within the grace, when its id is forgotten already, and be screened twice.
  if (dedupeHorizonMs <= graceMs) complain('dedupeHorizonMs', 'is too short; allowed: above graceMs')
  // Else a late event could lie so many half-lives behind the habit that it is compared with that its rate is no number any more.
  if (graceMs > MOST_HALF_LIVES_OF_GRACE * habitHalfLifeMs)
    complain('habitHalfLifeMs', `is too short; allowed: ${Math.ceil(graceMs / MOST_HALF_LIVES_OF_GRACE)} or more, a 64th of graceMs`)
})

/** A policy whose every field was checked. */
export type Policy = z.infer<typeof policySchema>
/** Thresholds and points of every detector. */
export type DetectorPolicies = Policy['detectors']
/** Scores from which a verdict holds, per event kind: `[challenge, hold)` is a challenge, and so on. */
export type VerdictBands = Policy['bands']['payments']
