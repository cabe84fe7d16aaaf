import type { SeenInput } from './check-journal'
import type { Flood } from './faults/flood-with-bad-records'

/** How the good records fared in the partition of a flood. */
export interface FloodMeasure {
  readonly bad: number
  /** Good records that came while the flood did. */
  readonly good: number
  /** Bad records that the cluster took after a good one and the journal before it: of the good one that fared worst. */
  readonly mostOvertaken: number
  /** From the cluster's clock to the ledger's, of the good ones. Depends on the machine: to be looked at, not to be held to. */
  readonly latencyMs: { readonly p50: number; readonly p99: number }
  /** What was refused that should not have been, or the other way round, in words. */
  readonly faults: readonly string[]
}

/** Measures in work what a flood did to the good records beside it: a slow machine does not change by how many bad ones a good one is overtaken. */
export function measureFlood(inputs: readonly SeenInput[], { reasons }: Flood): FloodMeasure {
  const here = inputs.filter(({ partition }) => partition === 0)
  const isBad = ({ topic, offset }: SeenInput): boolean => reasons.has(`${topic}@${offset}`)
  const bad = here.filter(isBad)
  const times = bad.map(({ brokerTimeMs }) => brokerTimeMs)
  const firstMs = times.reduce((least, ms) => Math.min(least, ms), Infinity)
  const lastMs = times.reduce((most, ms) => Math.max(most, ms), 0)
  const faults: string[] = []
  const latencies: number[] = []
  /** Bad records in the journal so far, by the millisecond in which the cluster took them. */
  const before = new Array<number>(bad.length === 0 ? 0 : lastMs - firstMs + 1).fill(0)
  let mostOvertaken = 0
  for (const input of here) {
    const { topic, offset, status, reason, brokerTimeMs, journaledMs } = input
    const wanted = reasons.get(`${topic}@${offset}`)
    if (wanted !== undefined) {
      before[brokerTimeMs - firstMs]++
      if (status !== 'quarantined' || !wanted.test(reason ?? ''))
        faults.push(`the bad ${topic}@${offset} is ${status} for ${reason}, not quarantined for ${wanted.source}`)
      continue
    }
    // Before and after it there may have been other floods.
    if (brokerTimeMs < firstMs || brokerTimeMs > lastMs) continue
    if (status === 'quarantined' && topic !== 'unparsable') faults.push(`the good ${topic}@${offset} was refused for ${reason}`)
    latencies.push(journaledMs - brokerTimeMs)
    let overtakenBy = 0
    for (let ms = brokerTimeMs + 1; ms <= lastMs; ms++) overtakenBy += before[ms - firstMs]
    mostOvertaken = Math.max(mostOvertaken, overtakenBy)
  }
  if (bad.length !== reasons.size) faults.push(`${reasons.size} bad records were published and ${bad.length} journaled`)
  latencies.sort((a, b) => a - b)
  const at = (share: number): number => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0
  return {
    bad: bad.length,
    good: latencies.length,
    mostOvertaken,
    latencyMs: { p50: at(0.5), p99: at(0.99) },
    faults: faults.slice(0, 50),
  }
}
