import type { Metrics } from '@riskledger/contracts'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { METRICS, type MetricMeaning } from './metric-meanings'

/** The metrics port, and what a scraper reads. */
export interface MetricsRegistry extends Metrics {
  /** Every metric in Prometheus' text format 0.0.4. */
  exposition(): Promise<string>
}

/** Limits of a registry. */
export interface MetricsOptions {
  /** Distinct sets of label values that one metric may have; default 1,000. More are dropped and counted. */
  readonly maxSeriesPerMetric?: number
  /** Upper bounds of the buckets of durations, in seconds; default from 0.5 ms to 10 s. */
  readonly durationBucketsSeconds?: readonly number[]
}

const DROPPED = 'riskledger_metrics_dropped_total'
const DEFAULT_BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

type Labels = Readonly<Record<string, string>>
type Kind = MetricMeaning['kind']

interface Entry {
  readonly kind: Kind
  readonly labelNames: string
  readonly series: Set<string>
  readonly record: (value: number, labels: Labels) => void
}

/**
 * An in-memory registry behind the `Metrics` port. A metric comes into being at its first use, and keeps its kind and label names:
 * using it otherwise is a programmer error and throws. Its HELP line is its meaning in `METRICS`, and its name where it has none there. A series past `maxSeriesPerMetric` is dropped and counted in
 * `riskledger_metrics_dropped_total{metric}`, so that strangers' values cannot fill the memory.
 */
export function createMetrics({
  maxSeriesPerMetric = 1_000,
  durationBucketsSeconds = DEFAULT_BUCKETS_SECONDS,
}: MetricsOptions = {}): MetricsRegistry {
  const registry = new Registry()
  const entries = new Map<string, Entry>()
  const dropped = new Counter({
    name: DROPPED,
    help: METRICS[DROPPED].meaning,
    labelNames: ['metric'],
    registers: [registry],
  })

  function record(kind: Kind, name: string, value: number, labels: Labels): void {
    const labelNames = Object.keys(labels).sort()
    let entry = entries.get(name)
    if (entry === undefined) {
      entry = {
        kind,
        labelNames: labelNames.join(),
        series: new Set(),
        record: recorder(registry, { kind, name, labelNames, durationBucketsSeconds }),
      }
      entries.set(name, entry)
    }
    if (entry.kind !== kind || entry.labelNames !== labelNames.join()) {
      throw new Error(
        `metric ${name} is a ${entry.kind} with labels (${entry.labelNames}), not a ${kind} with labels (${labelNames.join()})`,
      )
    }
    const series = labelNames.map((label) => labels[label]).join('\u0000')
    if (!entry.series.has(series)) {
      if (entry.series.size >= maxSeriesPerMetric) {
        dropped.inc({ metric: name })
        return
      }
      entry.series.add(series)
    }
    entry.record(value, labels)
  }

  return {
    count: (name, by, labels = {}) => record('counter', name, by, labels),
    gauge: (name, value, labels = {}) => record('gauge', name, value, labels),
    duration: (name, seconds, labels = {}) => record('histogram', name, seconds, labels),
    exposition: () => registry.metrics(),
  }
}

interface RecorderOptions {
  readonly kind: Kind
  readonly name: string
  readonly labelNames: readonly string[]
  readonly durationBucketsSeconds: readonly number[]
}

function recorder(registry: Registry, { kind, name, labelNames, durationBucketsSeconds }: RecorderOptions): Entry['record'] {
  const base = { name, help: METRICS[name]?.meaning ?? name, labelNames: [...labelNames], registers: [registry] }
  switch (kind) {
    case 'counter': {
      const counter = new Counter(base)
      return (value, labels) => counter.inc({ ...labels }, value)
    }
    case 'gauge': {
      const gauge = new Gauge(base)
      return (value, labels) => gauge.set({ ...labels }, value)
    }
    case 'histogram': {
      const histogram = new Histogram({ ...base, buckets: [...durationBucketsSeconds] })
      return (value, labels) => histogram.observe({ ...labels }, value)
    }
    default: {
      const never: never = kind
      throw new Error(`unknown kind of metric: ${String(never)}`)
    }
  }
}
