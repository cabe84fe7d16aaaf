import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Metrics } from '@riskledger/contracts'
import { KeyRing, type ApiKey, type ApiKeyRole } from './api-keys'
import type { GatewayLimits } from './gateway-options'
import { notFound, Refusal } from './problem'
import { RateLimit } from './rate-limit'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Which key may come in; `open` for everybody. */
    access?: ApiKeyRole | 'open'
  }
  interface FastifyRequest {
    /** When its head was read, by `performance.now()`. */
    startedAtMs: number
    /** Tokens of the caller's rate limit; taken before anything is done. Throws `Refusal`. */
    charge: (events: number) => void
  }
}

/** What decides who comes in. */
export interface AdmissionOptions {
  readonly apiKeys: readonly ApiKey[] | 'off'
  readonly limits: GatewayLimits
  readonly metrics: Metrics
}

/** Caller's name where authentication is off. */
const ANYBODY: ApiKey = { name: 'anybody', role: 'publisher', sha256: '' }

/**
 * Stands before every route: who comes in, how much is under way, how much a key may send. All of it is decided on the head of a request, before a byte
 * of its body is kept.
 */
export class Admission {
  private readonly ring: KeyRing | null
  private readonly rates = new Map<string, RateLimit>()
  private requests = 0
  private bytes = 0
  /** Set once the gateway shuts down: what comes after is refused. */
  closing = false

  constructor(private readonly options: AdmissionOptions) {
    this.ring = options.apiKeys === 'off' ? null : new KeyRing(options.apiKeys)
  }

  /** Puts itself before the routes of a server. */
  install(app: FastifyInstance): void {
    app.decorateRequest('startedAtMs', 0)
    app.decorateRequest('charge')
    // Otherwise a connection that is kept alive would hold up the shutdown until its time is over.
    app.addHook('onSend', (_request, reply, payload, done) => {
      if (this.closing) void reply.header('connection', 'close')
      done(null, payload)
    })
    app.addHook('onRequest', async (request, reply) => {
      request.startedAtMs = performance.now()
      if (this.closing) {
        throw new Refusal({ code: 'unavailable', detail: 'The gateway shuts down. Send the same again to another.', retryAfterSeconds: 5 })
      }
      // At once: a body that nobody will look at is not read.
      if (request.is404) throw notFound(request)
      const access = request.routeOptions.config.access ?? 'publisher'
      if (access === 'open') {
        request.charge = () => undefined
        return
      }
      const key = this.identify(request, access)
      const rate = this.rateOf(key)
      request.charge = (events) => this.charge(rate, key, events)
      request.charge(0)
      this.reserve(request, reply.raw)
    })
  }

  private identify(request: FastifyRequest, access: ApiKeyRole): ApiKey {
    if (this.ring === null) return ANYBODY
    const key = this.ring.find(request.headers.authorization)
    if (key === null)
      throw new Refusal({ code: 'unauthenticated', detail: 'Send an API key that this gateway knows: "Authorization: Bearer rlk_...".' })
    if (key.role === access) return key
    throw new Refusal({ code: 'forbidden', detail: `The key "${key.name}" is a ${key.role}'s; this wants a ${access}'s.` })
  }

  private rateOf({ name, eventsPerSecond = this.options.limits.eventsPerSecond }: ApiKey): RateLimit {
    let rate = this.rates.get(name)
    if (rate === undefined) {
      const { burstEvents } = this.options.limits
      this.rates.set(name, (rate = new RateLimit({ eventsPerSecond, burstEvents, nowMs: () => performance.now() })))
    }
    return rate
  }

  /** With no events: refuses a caller whose bucket holds not even one. */
  private charge(rate: RateLimit, { name, eventsPerSecond = this.options.limits.eventsPerSecond }: ApiKey, events: number): void {
    const waitMs = events === 0 ? rate.wait(1) : rate.take(events)
    if (waitMs === 0) return
    this.options.metrics.count('riskledger_gateway_rate_limited_total', 1, { key: name })
    const { burstEvents } = this.options.limits
    throw new Refusal({
      code: 'rate-limited',
      detail: `The key "${name}" may send ${eventsPerSecond} events a second and ${burstEvents} at once. Send the same again in ${waitMs} ms.`,
      retryAfterSeconds: Math.ceil(waitMs / 1_000),
    })
  }

  /** Counts the request's body before it is read, by what its head says, or at the limit where it says nothing. */
  private reserve(request: FastifyRequest, response: NodeJS.EventEmitter): void {
    const { maxPendingRequests, maxPendingBytes, maxBodyBytes } = this.options.limits
    const stated = Number(request.headers['content-length'] ?? (request.headers['transfer-encoding'] === undefined ? 0 : maxBodyBytes))
    const bytes = Math.min(Number.isFinite(stated) ? stated : maxBodyBytes, maxBodyBytes)
    if (this.requests >= maxPendingRequests || this.bytes + bytes > maxPendingBytes) {
      const detail = `${this.requests} requests with ${this.bytes} bytes are under way; the limits are ${maxPendingRequests} and ${maxPendingBytes}. Send the same again in a second.`
      throw new Refusal({ code: 'overloaded', detail, retryAfterSeconds: 1 })
    }
    this.requests++
    this.bytes += bytes
    response.once('close', () => {
      this.requests--
      this.bytes -= bytes
    })
  }
}
