import fc from 'fast-check'
import { RAW_TOPICS } from '@riskledger/contracts'
import { eventKey, RecentVerdicts, type Outcome } from './recent-verdicts'

const OUTCOME: Outcome = {
  topic: 'p2p-trades',
  partition: 999,
  sequence: 9_007_199_254_740_990,
  status: 'screened',
  verdict: 'hold',
  scorePoints: 1000,
  decisionId: 'd-1',
  reasonCodes: ['velocity'],
  reason: null,
  lateByMs: null,
}
const REFUSED: Outcome = {
  ...OUTCOME,
  status: 'quarantined',
  verdict: null,
  decisionId: null,
  reasonCodes: [],
  reason: 'future-event',
  scorePoints: 0,
}
const digest = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)

test('gives back what was put, field for field', () => {
  const recent = new RecentVerdicts(4, RAW_TOPICS)
  const late: Outcome = { ...OUTCOME, status: 'late', verdict: null, lateByMs: 7, decisionId: null, reasonCodes: [] }
  const allowed: Outcome = { ...OUTCOME, verdict: 'allow', decisionId: null, reasonCodes: [], scorePoints: 0 }
  for (const [i, outcome] of [OUTCOME, REFUSED, late, allowed].entries()) recent.put(`k${i}`, { outcome, digest: digest(i) })
  for (const [i, outcome] of [OUTCOME, REFUSED, late, allowed].entries())
    expect(recent.get(`k${i}`)).toEqual({ outcome, digest: digest(i) })
  expect(recent.get('k4')).toBeUndefined()
})

test('the first verdict of an event stands; a refusal gives way', () => {
  const recent = new RecentVerdicts(4, RAW_TOPICS)
  recent.put('a', { outcome: REFUSED, digest: digest(1) })
  recent.put('a', { outcome: OUTCOME, digest: digest(2) })
  recent.put('a', { outcome: REFUSED, digest: digest(3) })
  recent.put('a', { outcome: { ...OUTCOME, verdict: 'allow' }, digest: digest(4) })
  expect(recent.get('a')).toEqual({ outcome: OUTCOME, digest: digest(2) })
})

test('never holds more than its capacity, and forgets the oldest: as a simple map does', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 12 }), fc.boolean()), { maxLength: 60 }), (puts) => {
      const recent = new RecentVerdicts(5, RAW_TOPICS)
      const simple = new Map<string, Outcome>()
      puts.forEach(([id, refused], sequence) => {
        const outcome = { ...(refused ? REFUSED : OUTCOME), sequence }
        const key = `k${id}`
        recent.put(key, { outcome, digest: digest(id) })
        const known = simple.get(key)
        if (known === undefined && simple.size === 5) simple.delete([...simple.keys()][0])
        if (known === undefined || known.status === 'quarantined') simple.set(key, outcome)
      })
      expect(recent.size).toBe(simple.size)
      for (let id = 0; id <= 12; id++) expect(recent.get(`k${id}`)?.outcome).toEqual(simple.get(`k${id}`))
    }),
  )
})

test('a key is the 16 bytes of an event id, wherever they stand', () => {
  const bytes = Uint8Array.from({ length: 30 }, (_, i) => 240 + i)
  expect(eventKey(bytes, 7)).toBe(eventKey(bytes.slice(7), 0))
  expect(eventKey(bytes, 7)).toHaveLength(16)
})
