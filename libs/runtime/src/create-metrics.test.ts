import { createMetrics } from './create-metrics'

describe('createMetrics', () => {
  test('adds up counts, keeps the last gauge, and sorts durations into buckets', async () => {
    const metrics = createMetrics({ durationBucketsSeconds: [0.01, 1] })
    metrics.count('riskledger_inputs_total', 3, { status: 'late' })
    metrics.count('riskledger_inputs_total', 4, { status: 'late' })
    metrics.gauge('riskledger_lag_messages', 9)
    metrics.gauge('riskledger_lag_messages', 2)
    metrics.duration('riskledger_append_seconds', 0.5)
    const text = await metrics.exposition()
    expect(text).toContain('riskledger_inputs_total{status="late"} 7')
    expect(text).toContain('riskledger_lag_messages 2')
    expect(text).toContain('riskledger_append_seconds_bucket{le="0.01"} 0')
    expect(text).toContain('riskledger_append_seconds_bucket{le="1"} 1')
    expect(text).toContain('riskledger_append_seconds_sum 0.5')
  })

  test('the order of labels does not matter', async () => {
    const metrics = createMetrics()
    metrics.count('riskledger_x_total', 1, { a: '1', b: '2' })
    metrics.count('riskledger_x_total', 1, { b: '2', a: '1' })
    expect(await metrics.exposition()).toContain('riskledger_x_total{a="1",b="2"} 2')
  })

  test('a metric keeps its kind and its labels', () => {
    const metrics = createMetrics()
    metrics.count('riskledger_x_total', 1, { a: '1' })
    expect(() => metrics.gauge('riskledger_x_total', 1, { a: '1' })).toThrow(
      'metric riskledger_x_total is a counter with labels (a), not a gauge with labels (a)',
    )
    expect(() => metrics.count('riskledger_x_total', 1)).toThrow('not a counter with labels ()')
  })

  test('drops and counts series past the limit, and still counts the known ones', async () => {
    const metrics = createMetrics({ maxSeriesPerMetric: 2 })
    for (const account of ['a', 'b', 'c', 'd', 'a']) metrics.count('riskledger_x_total', 1, { account })
    const text = await metrics.exposition()
    expect(text).toContain('riskledger_x_total{account="a"} 2')
    expect(text).not.toContain('account="c"')
    expect(text).toContain('riskledger_metrics_dropped_total{metric="riskledger_x_total"} 2')
  })

  test('two registries share nothing', async () => {
    createMetrics().count('riskledger_x_total', 1)
    expect(await createMetrics().exposition()).not.toContain('riskledger_x_total')
  })
})
