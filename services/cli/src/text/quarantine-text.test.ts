import type { QuarantinedInput } from '../house/quarantined-inputs'
import { quarantineLines } from './quarantine-text'

const REFUSED: QuarantinedInput = {
  partition: 2,
  sequence: 1_041,
  topic: 'payments',
  offset: 7,
  reason: 'truncated',
  brokerTimeMs: Date.UTC(2026, 0, 2),
  eventId: null,
  accountId: null,
  source: 'payments.ndjson:9',
}

describe('a table of refused inputs', () => {
  test('tells when each came, and leaves open what has no time', () => {
    const [, timed, untimed] = quarantineLines([REFUSED, { ...REFUSED, brokerTimeMs: 0 }])
    expect(timed).toBe('2/1041  2026-01-02T00:00:00.000Z  payments/2@7  truncated  -        payments.ndjson:9')
    expect(untimed).toBe('2/1041  -                         payments/2@7  truncated  -        payments.ndjson:9')
  })
})
