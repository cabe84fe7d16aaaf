import fc from 'fast-check'
import { CounterpartyMemory } from './counterparty-memory'
import { SimpleCounterparty } from './testing/simple-counterparty'
import { DAY, HOUR, NOON } from './testing/events'

const KEYS = ['t-1', 't-2', 'a key too long to be packed', 'é']

/** What happens to one of the counterparties, some time after what happened before. */
const happening = fc.record({
  key: fc.constantFrom(...KEYS),
  laterMs: fc.oneof(fc.nat(HOUR), fc.nat(40 * DAY), fc.constant(0)),
  agoMs: fc.nat(10 * DAY),
  hash: fc.oneof(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 1, max: 2 ** 32 - 1 })),
  kind: fc.constantFrom('payment', 'payment', 'payment', 'legitimate', 'fraud', 'move', 'other'),
  attributed: fc.boolean(),
})

test('a row says what an object of plain fields would, step by step', () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 300, size: 'max' }), (happenings) => {
      const memory = new CounterpartyMemory(100)
      const simple = new Map<string, SimpleCounterparty>()
      let nowMs = NOON
      for (const { key, laterMs, agoMs, hash, kind, attributed } of happenings) {
        nowMs += laterMs
        const number = memory.find(key, nowMs)
        if (!simple.has(key)) simple.set(key, new SimpleCounterparty(nowMs))
        const one = simple.get(key)!
        const times = { paymentTimeMs: nowMs - agoMs, knownAtMs: nowMs }
        const corrects = one.fact.legitimateTotal > 0 && attributed
        if (kind === 'payment') expect(memory.count(number, hash)).toBe(one.count(hash))
        else if (kind === 'legitimate')
          expect(memory.knowLegitimate(number, nowMs - agoMs, nowMs)).toBe(one.knowLegitimate(nowMs - agoMs, nowMs))
        else if (kind === 'fraud') {
          memory.knowFraud(number, times, { attributed, corrects })
          one.knowFraud(times, { attributed, corrects })
        } else if (kind === 'move') {
          memory.moveTo(number, nowMs - agoMs)
          one.moveTo(nowMs - agoMs)
        } else {
          memory.countOther(number, 'disputed')
          one.fact.tradesDisputed++
        }
        expect(JSON.stringify(memory.factOf(number))).toBe(JSON.stringify(one.fact))
      }
      expect(memory.size).toBe(simple.size)
      for (const [key, { payers }] of simple) expect([...memory.payersOf(memory.find(key, 0))]).toEqual([...payers].sort((a, b) => a - b))
    }),
    { numRuns: 25 },
  )
})

test('rows outlast the growth of their arrays', () => {
  const memory = new CounterpartyMemory(10_000)
  for (let i = 0; i < 5_000; i++) memory.count(memory.find(`key-${i}`, NOON + i), i + 1)
  for (let i = 0; i < 5_000; i++) {
    const number = memory.find(`key-${i}`, 0)
    expect(memory.keyOf(number)).toBe(`key-${i}`)
    expect(memory.factOf(number)).toMatchObject({ firstSeenMs: NOON + i, asOfMs: NOON + i, paymentCount: 1, distinctPayers: 1 })
  }
})
