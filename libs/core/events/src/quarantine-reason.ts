/**
 * Why an input cannot be taken as an event. A closed union: branch on it, never on the words beside it.
 * `key-mismatch`, `mispartitioned` and `future-event` are found by the screening step, which knows the record's key, partition and
 * broker time; all others follow from the bytes alone.
 */
export const QUARANTINE_REASONS = [
  'oversized',
  'truncated',
  'unknown-framing',
  'unknown-schema',
  'wrong-topic-schema',
  'invalid-utf8',
  'trailing-bytes',
  'too-many-items',
  'invalid-value',
  'unknown-enum',
  'missing-id',
  'hostile-id',
  'key-mismatch',
  'mispartitioned',
  'future-event',
  'not-json',
  'invalid-event',
] as const

/** One of `QUARANTINE_REASONS`. */
export type QuarantineReason = (typeof QUARANTINE_REASONS)[number]
