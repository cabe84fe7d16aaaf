import type { ReadPartition } from './read-partition'
import { LagReport } from './lag-report'

const NOW_MS = 100_000

function reading(partition: number, nextOffset: number): ReadPartition {
  const buffer = { nextOffset, unreadTimeMs: () => NOW_MS - 2_500 }
  return { place: { topic: 'payments', partition }, buffer, stableEnd: 10, highWatermark: 12 } as unknown as ReadPartition
}

test('lags are told every five seconds, and of what is no longer read once that there is none', () => {
  jest.useFakeTimers()
  try {
    let all = [reading(0, 7), reading(1, 10)]
    let told: unknown[] = []
    const metrics = {
      count: () => undefined,
      duration: () => undefined,
      gauge: (name: string, value: number, labels?: Readonly<Record<string, string>>) =>
        told.push([name.replace('riskledger_log_', ''), labels?.partition, value]),
    }
    const report = new LagReport({ all: () => all }, { metrics, nowMs: () => NOW_MS })
    jest.advanceTimersByTime(5_000)
    expect(told).toEqual([
      ['lag_messages', '0', 3],
      ['lag_seconds', '0', 2.5],
      ['undecided_messages', '0', 2],
      ['lag_messages', '1', 0],
      ['lag_seconds', '1', 0],
      ['undecided_messages', '1', 2],
    ])
    all = [reading(1, 10)]
    told = []
    jest.advanceTimersByTime(5_000)
    expect(told.slice(0, 3)).toEqual([
      ['lag_messages', '0', 0],
      ['lag_seconds', '0', 0],
      ['undecided_messages', '0', 0],
    ])
    told = []
    jest.advanceTimersByTime(5_000)
    expect(told).toHaveLength(3)
    report.stop()
    jest.advanceTimersByTime(5_000)
    expect(told).toHaveLength(3)
  } finally {
    jest.useRealTimers()
  }
})
