import { encodeRisk, type RiskInputs } from '@riskledger/events'
import type { SeenInput } from './check-journal'
import { VerdictWalk } from './check-verdicts'

const INPUT: SeenInput = {
  partition: 2,
  sequence: 7,
  topic: 'payments',
  offset: 31,
  status: 'screened',
  reason: null,
  verdict: 'hold',
  scorePoints: 742,
  reasonCodes: ['amount-deviation', 'late-night-deviation'],
  eventId: '0192f3c4-5b6a-7c8d-9e0f-a1b2c3d4e5f6',
  accountId: 'a-0293',
  brokerTimeMs: 1_778_697_618_000,
  journaledMs: 1_778_697_618_100,
}
const EVENT: RiskInputs['VerdictPublished'] = {
  ...pick(INPUT),
  eventTimeMs: 1_778_697_618_000,
  decisionId: '8be23f37-3dc6-5e4a-bfb2-b796d51fd431',
  policyHash: new Uint8Array(32),
}

function pick({ reason: _reason, journaledMs: _journaledMs, ...told }: SeenInput): Omit<SeenInput, 'reason' | 'journaledMs'> {
  return told
}

function faultsOf(told: Partial<RiskInputs['VerdictPublished']>, key: string | null = 'a-0293'): readonly string[] {
  const walk = new VerdictWalk([INPUT])
  const value = Buffer.from(encodeRisk('VerdictPublished', { ...EVENT, ...told }))
  walk.take({ partition: 0, offset: 4 }, { key: key === null ? null : Buffer.from(key), value, headers: { 'riskledger-id': 'm-1' } })
  return walk.finish().faults
}

test('a verdict that is as the journal has it', () => {
  expect(faultsOf({})).toEqual([])
})

test.each<[string, Partial<RiskInputs['VerdictPublished']>]>([
  ['sequence', { sequence: 8 }],
  ['offset', { offset: 32 }],
  ['brokerTimeMs', { brokerTimeMs: 1 }],
  ['eventId', { eventId: '0192f3c4-5b6a-7c8d-9e0f-a1b2c3d4e5f7' }],
  ['scorePoints', { scorePoints: 741 }],
  ['verdict', { verdict: 'block' }],
  ['reason codes', { reasonCodes: ['amount-deviation'] }],
])('another %s is told of', (_name, told) => {
  expect(faultsOf(told)).toEqual([expect.stringMatching(/^risk\.verdicts\/0@4 tells 2\/\d with /)])
})

test('another account is told of, also where the key is of it', () => {
  expect(faultsOf({ accountId: 'a-1' }, 'a-1')).toEqual([expect.stringContaining('accountId a-1, and the journal has a-0293')])
})

test.each([null, 'a-1'])('the key %s, which is not the account, is told of', (key) => {
  expect(faultsOf({}, key)).toEqual([expect.stringContaining(`of the account a-0293 under the key ${key}`)])
})
