import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { RiskError } from '@riskledger/contracts'
import { checkHealth, type HealthCheck } from './check-health'
import type { MetricsRegistry } from './create-metrics'

/** Where a process tells of itself: host default 127.0.0.1; port 0: any free one. */
export interface HealthAddress {
  readonly host?: string
  readonly port: number
}

/** What a process tells of itself over HTTP. */
export interface ServeHealthOptions extends HealthAddress {
  /** What must hold for the process to do its work; all of it is asked at each call. */
  readonly checks: Readonly<Record<string, HealthCheck>>
  readonly metrics: MetricsRegistry
}

/** A health endpoint that answers. */
export interface HealthServer {
  /** `http://host:port`. */
  readonly url: string
  close(): Promise<void>
}

/**
 * Serves `GET /health/live` (200 as long as the process answers), `GET /health/ready` (200, or 503 where a check fails; the body names each) and
 * `GET /metrics` (Prometheus' text format). Throws `configuration-invalid` where the port cannot be had.
 */
export async function serveHealth({ host = '127.0.0.1', port, checks, metrics }: ServeHealthOptions): Promise<HealthServer> {
  const server = createServer((request, response) => {
    answer(request, response, { checks, metrics }).catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(unavailable(`${host}:${port}`, error)))
    server.listen(port, host, resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a server on a port has an address with a port')
  return {
    url: `http://${host}:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  { method, url }: IncomingMessage,
  response: ServerResponse,
  { checks, metrics }: Pick<ServeHealthOptions, 'checks' | 'metrics'>,
): Promise<void> {
  const path = url?.split('?', 1)[0]
  if (method !== 'GET') return send(response, 405, { body: { status: 'refused', detail: 'only GET is answered here' } })
  if (path === '/health/live') return send(response, 200, { body: { status: 'passing' } })
  if (path === '/metrics') return send(response, 200, { body: await metrics.exposition(), contentType: 'text/plain; version=0.0.4' })
  if (path !== '/health/ready')
    return send(response, 404, { body: { status: 'refused', detail: 'there is /health/live, /health/ready and /metrics' } })
  const report = await checkHealth(checks)
  send(response, report.status === 'passing' ? 200 : 503, { body: report })
}

function send(
  response: ServerResponse,
  status: number,
  { body, contentType = 'application/json' }: { readonly body: unknown; readonly contentType?: string },
): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

function unavailable(place: string, error: NodeJS.ErrnoException): RiskError {
  return new RiskError('configuration-invalid', `The health endpoint cannot listen on ${place} (${error.code}). Choose another port.`, {
    retriable: false,
    cause: error,
    context: { place },
  })
}
