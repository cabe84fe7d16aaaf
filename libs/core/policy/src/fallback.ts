import * as z from 'zod'
import type { ScreenedTopic, Verdict } from '@riskledger/contracts'
import { whole } from './bands'

/** By amount in the reference currency: allowed below the limit, else what `otherwise` says. A limit of 0 allows nothing. */
const byAmount = z.strictObject({
  allowBelowMinor: whole(0, Number.MAX_SAFE_INTEGER),
  otherwise: z.enum(['challenge', 'hold', 'block']),
})

/** The optional section `answers.fallback` of a policy document. */
export const fallback = z.strictObject({
  payments: z.strictObject({
    purchase: byAmount,
    transfer: byAmount,
    deposit: byAmount,
    withdrawal: byAmount,
    refund: byAmount,
    unknown: byAmount,
  }),
  logins: z.enum(['allow', 'challenge', 'hold', 'block']),
  'p2p-trades': byAmount,
})

/** What a caller who waits for a verdict is told when none comes in time: payments by kind and amount, trades by amount, logins one verdict. */
export type FallbackPolicy = z.infer<typeof fallback>

/**
 * In force where a policy has no section `answers.fallback`: what is small and can be undone passes, what leaves the account for good is held.
 * Amounts in minor units of the reference currency.
 */
export const DEFAULT_FALLBACK: FallbackPolicy = {
  payments: {
    purchase: { allowBelowMinor: 10_000, otherwise: 'challenge' },
    transfer: { allowBelowMinor: 5_000, otherwise: 'hold' },
    deposit: { allowBelowMinor: 100_000, otherwise: 'challenge' },
    withdrawal: { allowBelowMinor: 5_000, otherwise: 'hold' },
    refund: { allowBelowMinor: 10_000, otherwise: 'hold' },
    unknown: { allowBelowMinor: 0, otherwise: 'hold' },
  },
  logins: 'challenge',
  'p2p-trades': { allowBelowMinor: 5_000, otherwise: 'hold' },
}

/** The fallback of a policy: its own, or `DEFAULT_FALLBACK`. */
export function fallbackOf(policy: { readonly answers?: { readonly fallback: FallbackPolicy } | undefined }): FallbackPolicy {
  return policy.answers?.fallback ?? DEFAULT_FALLBACK
}

/** What a fallback looks at of an event: its topic, a payment's kind, and the amount in the reference currency where it has one. */
export interface FallbackSubject {
  readonly topic: ScreenedTopic
  /** Of a payment; one that the fallback does not list counts as `unknown`. */
  readonly kind?: string
  readonly amountReferenceMinor?: number
}

/** What the fallback says of an event. An event without an amount counts as one above every limit. */
export function fallbackVerdict(policy: FallbackPolicy, subject: FallbackSubject): Verdict {
  const { topic, kind = 'unknown', amountReferenceMinor = Infinity } = subject
  switch (topic) {
    case 'logins':
      return policy.logins
    case 'p2p-trades':
      return ofAmount(policy['p2p-trades'], amountReferenceMinor)
    case 'payments':
      return ofAmount(
        Object.hasOwn(policy.payments, kind) ? policy.payments[kind as 'unknown'] : policy.payments.unknown,
        amountReferenceMinor,
      )
    default: {
      const never: never = topic
      throw new Error(`no fallback for ${String(never)}`)
    }
  }
}

function ofAmount({ allowBelowMinor, otherwise }: FallbackPolicy['p2p-trades'], amountMinor: number): Verdict {
  return amountMinor < allowBelowMinor ? 'allow' : otherwise
}
