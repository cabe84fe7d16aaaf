import type { ScreeningStep } from '@riskledger/screening'
import { ScreeningMetrics } from './screening-metrics'

test('tells what was added since the last batch, and nothing of what was there at the start', () => {
  const step = { statusCounts: { screened: 7, late: 1 }, verdictCounts: { allow: 7, hold: 0 } }
  const told: unknown[] = []
  const metrics = {
    count: (...count: unknown[]) => told.push(count),
    gauge: () => undefined,
    duration: (...duration: unknown[]) => told.push(duration),
  }
  const meter = new ScreeningMetrics(step as unknown as ScreeningStep, { metrics, partition: 3 })
  step.statusCounts.screened += 2
  step.verdictCounts.allow += 1
  step.verdictCounts.hold += 1
  meter.appended(0.25)
  expect(told).toEqual([
    ['riskledger_append_seconds', 0.25, { partition: '3' }],
    ['riskledger_inputs_total', 2, { partition: '3', status: 'screened' }],
    ['riskledger_verdicts_total', 1, { partition: '3', verdict: 'allow' }],
    ['riskledger_verdicts_total', 1, { partition: '3', verdict: 'hold' }],
  ])
  told.length = 0
  meter.appended(0.5)
  expect(told).toEqual([['riskledger_append_seconds', 0.5, { partition: '3' }]])
})
