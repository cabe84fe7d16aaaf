import { DecisionTally } from './kafka-decisions'

test('refusals that come at once do not make verdicts look faster', () => {
  const tally = new DecisionTally()
  for (let refusal = 0; refusal < 99; refusal++) tally.record(1, false)
  tally.record(50, true)
  const { latencyMs, asked, withoutVerdict } = tally.result()
  expect(latencyMs.p50).toBeCloseTo(50, 0)
  expect({ asked, withoutVerdict }).toEqual({ asked: 100, withoutVerdict: 99 })
})

test('there is no latency without a verdict', () => {
  const tally = new DecisionTally()
  tally.record(1, false)
  expect(() => tally.result()).toThrow('none of 1 answers of POST /v1/decisions had a verdict')
})
