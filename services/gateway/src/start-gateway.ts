import { setTimeout as pause } from 'node:timers/promises'
import swagger from '@fastify/swagger'
import fastify, { type FastifyInstance } from 'fastify'
import { RAW_TOPICS, RiskError } from '@riskledger/contracts'
import { Admission } from './admission'
import { AnswerPublisher } from './answer-publisher'
import { namedSchemas } from './api-schemas'
import { DecisionDesk } from './decision-desk'
import { addDecisionRoutes } from './decision-routes'
import { EventAppender } from './event-appender'
import { addEventRoutes } from './event-routes'
import { FallbackInForce } from './fallback-in-force'
import { assertFitting, limitsOf, type GatewayLimits, type GatewayOptions } from './gateway-options'
import { addHouseRoutes } from './house-routes'
import { takeJsonBodies } from './json-body'
import { LookUp } from './look-up'
import { readRawSchemas } from './raw-schemas'
import { RecentVerdicts } from './recent-verdicts'
import { refuseConnection, refuseWithProblems, sendProblem } from './refuse'
import { VerdictFeed } from './verdict-feed'

/** A gateway that serves. */
export interface Gateway {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string
  /** Rejects where the gateway cannot go on: the journals cannot be followed any more. Close it then. */
  readonly failed: Promise<never>
  /** Takes no more requests, answers those under way, puts what was said into the log, and leaves; within `drainTimeoutMs`. */
  close(): Promise<void>
}

/**
 * Starts the front door for upstream systems: events in, verdicts out. It decides nothing itself: it puts events into the log and reads verdicts from
 * the journals, so any number of gateways may stand side by side. Throws `ledger-unavailable`, and `configuration-invalid` for options that do not fit,
 * a certificate or a private key that is none, and an address that is taken.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const limits = limitsOf(options.limits)
  assertFitting(options)
  const { log, ledger, environment, partitionCount, nowMs, logger, metrics } = options
  const schemas = readRawSchemas()
  const recent = new RecentVerdicts(limits.recentVerdicts, RAW_TOPICS)
  const lookUp = new LookUp({ ledger, environment, partitionCount, lookBackBytes: limits.lookBackBytes })
  const desk = new DecisionDesk({
    recent,
    firstOf: (partition, sequence) => lookUp.atSequence(partition, sequence),
    maxWaiting: limits.maxWaitingDecisions,
    logger,
    metrics,
  })
  const fallback = new FallbackInForce({ ledger, environment, initial: options.fallback, logger })
  const feed = await VerdictFeed.start({
    ledger,
    environment,
    partitionCount,
    tell: (found) => desk.hear(found),
    tellPolicy: (policyHash) => void fallback.follow(policyHash),
    logger,
    metrics,
  }).catch((error: unknown) => {
    fallback.close()
    throw error
  })
  const answers = new AnswerPublisher({ log, partitionCount, source: options.source ?? 'gateway', nowMs, logger, metrics })
  const appender = new EventAppender(log, { maxPendingBytes: limits.maxPendingAppendBytes, alongWithGroup: () => answers.sendNow() })
  const admission = new Admission({ apiKeys: options.apiKeys, limits, metrics })
  const app = createServer(options, limits)
  try {
    await describeApi(app, schemas)
    admission.install(app)
    const { appendTimeoutMs, defaultDeadlineMs } = limits
    addEventRoutes(app, { appender, schemas, partitionCount, appendTimeoutMs, nowMs, metrics })
    addDecisionRoutes(app, {
      desk,
      recent,
      appender,
      answers,
      fallback,
      partitionCount,
      nowMs,
      metrics,
      lookUp,
      schemas,
      defaultDeadlineMs,
    })
    addHouseRoutes(app, { log, ledger, environment, feed, metrics, closing: () => admission.closing })
    const url = await listen(app, options)
    logger.info('the gateway serves', {
      url,
      authentication: options.apiKeys === 'off' ? 'off' : 'api keys',
      tls: options.tls !== undefined,
    })
    let closed: Promise<void> | null = null
    const close = (): Promise<void> =>
      (closed ??= leave({ app, admission, appender, answers, feed, fallback, drainTimeoutMs: limits.drainTimeoutMs }))
    return { url, failed: feed.failed, close }
  } catch (error) {
    fallback.close()
    await feed.close()
    await app.close()
    throw error
  }
}

function createServer({ tls, logger, metrics }: GatewayOptions, limits: GatewayLimits): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: limits.maxBodyBytes,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: 30_000,
    routerOptions: { maxParamLength: 256 },
    // The admission says it as a problem.
    return503OnClosing: false,
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error, _request, reply) => {
      void sendProblem(reply, { code: 'request-invalid', detail: `The path is not a valid one (${error.code}).` })
    },
    ...(tls === undefined ? { http: serverOptions(limits) } : { https: { ...serverOptions(limits), ...tls } }),
  }) as unknown as FastifyInstance
  app.server.maxConnections = limits.maxConnections
  // The checks of the events themselves decide, and their words are told: the schemas only describe.
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  takeJsonBodies(app)
  refuseWithProblems(app, { logger, maxBodyBytes: limits.maxBodyBytes })
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none'
    metrics.count('riskledger_gateway_requests_total', 1, { route, status: String(reply.statusCode) })
    metrics.duration('riskledger_gateway_request_seconds', reply.elapsedTime / 1_000, { route })
    done()
  })
  return app
}

/** How often Node looks for requests that take too long: by default only every 30 s. */
function serverOptions({ requestTimeoutMs }: GatewayLimits): {
  readonly headersTimeout: number
  readonly connectionsCheckingInterval: number
} {
  return { headersTimeout: requestTimeoutMs, connectionsCheckingInterval: Math.min(1_000, requestTimeoutMs) }
}

async function describeApi(app: FastifyInstance, schemas: ReturnType<typeof readRawSchemas>): Promise<void> {
  for (const schema of namedSchemas(schemas)) app.addSchema(schema)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'RiskLedger gateway', version: '1', description: 'Events in, verdicts out. Every refusal is a problem (RFC 9457).' },
      components: {
        securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'riskledger gateway keys create makes one.' } },
      },
      security: [{ apiKey: [] }],
    },
    refResolver: { buildLocalReference: ({ $id }) => (typeof $id === 'string' ? $id : '') },
  })
}

async function listen(app: FastifyInstance, { host, port }: GatewayOptions): Promise<string> {
  try {
    return await app.listen({ host, port })
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL') throw cause
    const message = `The gateway cannot listen on ${host}:${port} (${code}). Give it another address or port.`
    throw new RiskError('configuration-invalid', message, { retriable: false, cause, context: { host, port } })
  }
}

interface Leaving {
  readonly app: FastifyInstance
  readonly admission: Admission
  readonly appender: EventAppender
  readonly answers: AnswerPublisher
  readonly feed: VerdictFeed
  readonly fallback: FallbackInForce
  readonly drainTimeoutMs: number
}

async function leave({ app, admission, appender, answers, feed, fallback, drainTimeoutMs }: Leaving): Promise<void> {
  const startedAtMs = performance.now()
  const leftMs = (): number => Math.max(0, drainTimeoutMs - (performance.now() - startedAtMs))
  admission.closing = true
  const late = new AbortController()
  const closing = app.close()
  // Only then: a request that was let in may append until its connection is closed, and a decision past its deadline leaves its append behind.
  const drained = closing.then(() => appender.drained())
  await Promise.race([drained, pause(drainTimeoutMs, undefined, { signal: late.signal }).catch(() => undefined)])
  late.abort()
  // Whoever still sends or reads too slowly is cut off.
  app.server.closeAllConnections()
  await closing
  fallback.close()
  await answers.close(leftMs())
  await feed.close()
}
