import type * as z from 'zod'
import type { detectors } from './detector-schema'

/** The detectors, in the order in which they run. */
export const DETECTOR_NAMES = [
  'velocity',
  'amount-deviation',
  'late-night-deviation',
  'counterparty-reputation',
  'account-operator-mismatch',
  'external-alert',
  'liveness',
  'access-signals',
] as const

/** One of the eight detectors. */
export type DetectorName = (typeof DETECTOR_NAMES)[number]

/** A signal that a policy knows, and where it stands in the document. */
export interface PolicySignal {
  readonly detector: DetectorName
  readonly code: string
  readonly path: (string | number)[]
}

/**
 * Every signal of a policy, in the order in which detectors run. Velocity names its own by rule; for the other detectors the signals
 * are the keys in kebab case that hold a table or points.
 */
export function signalsOf(policies: z.infer<typeof detectors>): readonly PolicySignal[] {
  const signals: PolicySignal[] = []
  for (const kind of ['counts', 'sums', 'distinct'] as const) {
    policies.velocity[kind].forEach((rule, index) =>
      signals.push({ detector: 'velocity', code: rule.code, path: ['detectors', 'velocity', kind, index, 'code'] }),
    )
  }
  for (const detector of DETECTOR_NAMES) {
    if (detector === 'velocity') continue
    for (const [code, value] of Object.entries(policies[detector])) {
      const isSignal = code.includes('-') && typeof value === 'object'
      if (isSignal) signals.push({ detector, code, path: ['detectors', detector, code] })
    }
  }
  return signals
}
