import { countsOf, ScreeningMetrics } from './screening-metrics'

test('tells what was added since the last time, and nothing of what was there at the start', () => {
  const none = { observed: 0, duplicate: 0, conflicting: 0, quarantined: 0 }
  const step = { statusCounts: { ...none, screened: 7, late: 1 }, verdictCounts: { allow: 7, challenge: 0, hold: 0, block: 0 } }
  const told: unknown[] = []
  const metrics = {
    count: (...count: unknown[]) => told.push(count),
    gauge: () => undefined,
    duration: (...duration: unknown[]) => told.push(duration),
  }
  const meter = new ScreeningMetrics(countsOf(step), { metrics, partition: 3 })
  step.statusCounts.screened += 2
  step.verdictCounts.allow += 1
  step.verdictCounts.hold += 1
  const counts = countsOf(step)
  // Screened meanwhile, and not in the ledger yet.
  step.statusCounts.screened += 1
  meter.appended(0.25)
  meter.durable(counts)
  expect(told).toEqual([
    ['riskledger_append_seconds', 0.25, { partition: '3' }],
    ['riskledger_inputs_total', 2, { partition: '3', status: 'screened' }],
    ['riskledger_verdicts_total', 1, { partition: '3', verdict: 'allow' }],
    ['riskledger_verdicts_total', 1, { partition: '3', verdict: 'hold' }],
  ])
  told.length = 0
  meter.durable(counts)
  expect(told).toEqual([])
})
