import type { FastifyInstance } from 'fastify'
import type { EventLog, Ledger } from '@riskledger/contracts'
import { lastEntry, screeningStream } from '@riskledger/journal'
import { checkHealth, type HealthReport, type MetricsRegistry } from '@riskledger/runtime'
import type { VerdictFeed } from './verdict-feed'

/** What health stands on. */
export interface HouseRouteParts {
  readonly log: EventLog
  readonly ledger: Ledger
  readonly environment: string
  readonly feed: VerdictFeed
  readonly metrics: MetricsRegistry
  readonly closing: () => boolean
}

/** A round of checks is answered with this long: whoever asks in a loop costs the log and the ledger nothing. */
const FRESH_MS = 500

/** Health, readiness, metrics and the API's description. */
export function addHouseRoutes(app: FastifyInstance, parts: HouseRouteParts): void {
  app.get('/health/live', { schema: { summary: 'Is the process alive?' }, config: { access: 'open' } }, () => ({ status: 'passing' }))

  let checked: { readonly atMs: number; readonly report: Promise<HealthReport> } | null = null
  const summary = 'Does everything answer that verdicts need?'
  app.get('/health/ready', { schema: { summary }, config: { access: 'open' } }, async (_request, reply) => {
    if (checked === null || performance.now() - checked.atMs > FRESH_MS)
      checked = { atMs: performance.now(), report: checkHealth(checksOf(parts)) }
    const report = await checked.report
    return reply.code(report.status === 'passing' ? 200 : 503).send(report)
  })

  app.get(
    '/metrics',
    { schema: { summary: "Metrics in Prometheus' text format" }, config: { access: 'reader' } },
    async (_request, reply) => reply.type('text/plain; version=0.0.4; charset=utf-8').send(await parts.metrics.exposition()),
  )
  app.get('/openapi.json', { schema: { hide: true }, config: { access: 'open' } }, () => app.swagger())
}

function checksOf({ log, ledger, environment, feed, closing }: HouseRouteParts): Parameters<typeof checkHealth>[0] {
  return {
    log: async () => `partition 0 of the topic "answers" ends at ${(await log.range('answers', 0)).end}`,
    ledger: async () => {
      const last = await lastEntry(ledger, screeningStream(0, 0, environment))
      return last === null ? 'answers; there is no journal yet' : `the journal of partition 0 ends at ${last.recorded.revision}`
    },
    subscriptions: () => {
      const { behind } = feed
      return behind.length === 0
        ? Promise.resolve('caught up')
        : Promise.reject(new Error(`partitions ${behind.join(', ')} are not caught up`))
    },
    gateway: () => (closing() ? Promise.reject(new Error('it shuts down')) : Promise.resolve('open')),
  }
}
