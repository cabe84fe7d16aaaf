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
    /** Takes tokens of the caller's rate limit until the request has taken so many in all; before anything is done. Throws `Refusal`. */
    charge: (events: number) => void
  }
}

/** What decides who comes in. */
export interface AdmissionOptions {
  readonly apiKeys: readonly ApiKey[] | 'off'
  readonly limits: GatewayLimits
  readonly metrics: Metrics
}

/** Requests under way and their bodies. */
interface UnderWay {
  requests: number
  bytes: number
}

/** What a key has under way, and its rate limit. */
interface Caller extends UnderWay {
  readonly key: ApiKey
  readonly rate: RateLimit
}

/** Caller's name where authentication is off. */
const ANYBODY: ApiKey = { name: 'anybody', role: 'publisher', sha256: '' }

/**
 * Stands before every route: who comes in, how much is under way, how much a key may send. All of it is decided on the head of a request, before a byte
 * of its body is kept; only what a list of events takes beyond one token is taken once it is read. Of several keys one has at most half of what may be under way,
 * so that none keeps out the others.
 */
export class Admission {
  private readonly ring: KeyRing | null
  private readonly callers = new Map<string, Caller>()
  private readonly underWay: UnderWay = { requests: 0, bytes: 0 }
  private readonly share: Readonly<UnderWay>
  /** Set once the gateway shuts down: what comes after is refused. */
  closing = false

  constructor(private readonly options: AdmissionOptions) {
    this.ring = options.apiKeys === 'off' ? null : new KeyRing(options.apiKeys)
    const { maxPendingRequests, maxPendingBytes, maxBodyBytes } = options.limits
    const alone = options.apiKeys === 'off' || options.apiKeys.length === 1
    this.share = alone
      ? { requests: maxPendingRequests, bytes: maxPendingBytes }
      : { requests: Math.ceil(maxPendingRequests / 2), bytes: Math.max(maxBodyBytes, Math.floor(maxPendingBytes / 2)) }
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
      const caller = this.callerOf(this.identify(request, access))
      let taken = 0
      request.charge = (events) => {
        this.charge(caller, { events, taken })
        taken = events
      }
      // A body costs before it is read: otherwise one that cannot be read would be free.
      request.charge(request.method === 'POST' ? 1 : 0)
      this.reserve(caller, { request, response: reply.raw })
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

  private callerOf(key: ApiKey): Caller {
    let caller = this.callers.get(key.name)
    if (caller === undefined) {
      const { burstEvents } = this.options.limits
      const { eventsPerSecond = this.options.limits.eventsPerSecond } = key
      const rate = new RateLimit({ eventsPerSecond, burstEvents, nowMs: () => performance.now() })
      this.callers.set(key.name, (caller = { key, rate, requests: 0, bytes: 0 }))
    }
    return caller
  }

  /** With no events: refuses a caller whose bucket holds not even one. */
  private charge({ key, rate }: Caller, { events, taken }: { readonly events: number; readonly taken: number }): void {
    const waitMs = events === 0 ? rate.wait(1) : rate.take(events, taken)
    if (waitMs === 0) return
    const { name, eventsPerSecond = this.options.limits.eventsPerSecond } = key
    this.options.metrics.count('riskledger_gateway_rate_limited_total', 1, { key: name })
    const { burstEvents } = this.options.limits
    throw new Refusal({
      code: 'rate-limited',
      detail: `The key "${name}" may send ${eventsPerSecond} events a second and ${burstEvents} at once. Send the same again in ${waitMs} ms.`,
      retryAfterSeconds: Math.ceil(waitMs / 1_000),
    })
  }

  /** Counts the request's body before it is read, by what its head says, or at the limit where it says nothing. */
  private reserve(
    caller: Caller,
    { request, response }: { readonly request: FastifyRequest; readonly response: NodeJS.EventEmitter },
  ): void {
    const { headers } = request
    const { maxPendingRequests, maxPendingBytes, maxBodyBytes } = this.options.limits
    const stated = Number(headers['content-length'] ?? (headers['transfer-encoding'] === undefined ? 0 : maxBodyBytes))
    const bytes = Math.min(Number.isFinite(stated) ? stated : maxBodyBytes, maxBodyBytes)
    const { underWay, share } = this
    if (underWay.requests >= maxPendingRequests || underWay.bytes + bytes > maxPendingBytes)
      throw overloaded(
        `${underWay.requests} requests with ${underWay.bytes} bytes are under way; the limits are ${maxPendingRequests} and ${maxPendingBytes}.`,
      )
    if (caller.requests >= share.requests || caller.bytes + bytes > share.bytes)
      throw overloaded(
        `${caller.requests} requests with ${caller.bytes} bytes of the key "${caller.key.name}" are under way; the share of one key is ${share.requests} and ${share.bytes}.`,
      )
    const counted = [underWay, caller]
    for (const one of counted) {
      one.requests++
      one.bytes += bytes
    }
    response.once('close', () => {
      for (const one of counted) {
        one.requests--
        one.bytes -= bytes
      }
    })
  }
}

function overloaded(detail: string): Refusal {
  return new Refusal({ code: 'overloaded', detail: `${detail} Send the same again in a second.`, retryAfterSeconds: 1 })
}
