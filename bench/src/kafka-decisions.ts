import { build } from 'hdr-histogram-js'
import { randomUUID } from 'node:crypto'
import { Pool } from 'undici'

/** How many callers asked for a verdict, and how long those waited who got one. */
export interface DecisionLatency {
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly p999: number }
  readonly asked: number
  /** Answers that were fallbacks or refusals: not in the latency, as a refusal comes at once. */
  readonly withoutVerdict: number
}

/** Collects answers. */
export class DecisionTally {
  private readonly histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: 3 })
  private withoutVerdict = 0

  record(waitedMs: number, hasVerdict: boolean): void {
    if (hasVerdict) this.histogram.recordValue(Math.round(waitedMs * 1_000))
    else this.withoutVerdict++
  }

  /** Throws where no answer had a verdict: there is no latency to tell. */
  result(): DecisionLatency {
    const { histogram, withoutVerdict } = this
    if (histogram.totalCount === 0)
      throw new Error(`none of ${withoutVerdict} answers of POST /v1/decisions had a verdict; look at the gateway and the screener`)
    const at = (percentile: number): number => histogram.getValueAtPercentile(percentile) / 1_000
    return { latencyMs: { p50: at(50), p99: at(99), p999: at(99.9) }, asked: histogram.totalCount + withoutVerdict, withoutVerdict }
  }
}

const ACCOUNTS = 5_000

/** `POST /v1/decisions` at a steady rate over kept connections, from the intended moment of each request to its answer; rejects where none has a verdict. */
export async function decisionLatency(
  url: string,
  { ratePerSecond, seconds, warmUpSeconds }: { readonly ratePerSecond: number; readonly seconds: number; readonly warmUpSeconds: number },
): Promise<DecisionLatency> {
  // Which takes half as much of the shared cores as node:http does.
  const pool = new Pool(url, { connections: 64 })
  const tally = new DecisionTally()
  const startMs = performance.now()
  const count = ratePerSecond * (seconds + warmUpSeconds)
  const waiting = new Set<Promise<void>>()
  try {
    for (let number = 0; number < count; number++) {
      const intendedMs = startMs + (number * 1_000) / ratePerSecond
      while (performance.now() < intendedMs) await new Promise((resolve) => setTimeout(resolve, 1))
      const isMeasured = number >= ratePerSecond * warmUpSeconds
      const asking = ask(pool, number)
        .then((hasVerdict) => {
          if (isMeasured) tally.record(performance.now() - intendedMs, hasVerdict)
        })
        .finally(() => waiting.delete(asking))
      waiting.add(asking)
    }
    await Promise.all(waiting)
  } finally {
    await pool.destroy()
  }
  return tally.result()
}

async function ask(pool: Pool, number: number): Promise<boolean> {
  const amountMinor = 1_000 + (number % 5_000)
  const event = {
    eventId: randomUUID(),
    accountId: `d-${number % ACCOUNTS}`,
    eventTimeMs: Date.now(),
    source: 'bench',
    paymentId: `p-${number}`,
    kind: 'purchase',
    phase: 'requested',
    direction: 'debit',
    amountMinor,
    currency: 'USD',
    amountReferenceMinor: amountMinor,
    counterpartyId: `m-${number % 500}`,
    counterpartyKind: 'merchant',
    method: 'card',
    payerNameMatch: 'match',
  }
  const body = JSON.stringify({ topic: 'payments', event, deadlineMs: 2_000 })
  const answer = await pool.request({ method: 'POST', path: '/v1/decisions', headers: { 'content-type': 'application/json' }, body })
  if (answer.statusCode !== 200) {
    await answer.body.dump()
    return false
  }
  return ((await answer.body.json()) as { readonly fallback: boolean }).fallback === false
}
