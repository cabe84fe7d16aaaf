import { RiskError, type RiskErrorCode } from '@riskledger/contracts'

/** How a gateway is reached. */
export interface HttpGatewayOptions {
  /** Such as `https://risk.example.com`. */
  readonly url: string
  /** As `riskledger gateway keys create` shows it once; left out where the gateway asks for none. */
  readonly apiKey?: string
  /** How long one request may take. Default 10,000. */
  readonly httpTimeoutMs?: number
  /** Default the runtime's. */
  readonly fetch?: typeof fetch
}

/** What a gateway answers. */
export interface HttpAnswer {
  readonly status: number
  readonly body: unknown
  readonly retryAfterMs: number | null
}

/** The parts of a problem (RFC 9457) that a client goes by. */
export interface GatewayProblem {
  readonly code?: string
  readonly detail?: string
  readonly errors?: readonly { readonly index?: number; readonly field: string; readonly code: string; readonly reason: string }[]
}

/** Sends JSON to a gateway. */
export class HttpGateway {
  private readonly base: string
  private readonly fetch: typeof fetch

  constructor(private readonly options: HttpGatewayOptions) {
    if (!URL.canParse(options.url) || !/^https?:$/.test(new URL(options.url).protocol))
      throw new RiskError('configuration-invalid', `The gateway's url is "${options.url}"; it begins with https:// or http://.`, {
        retriable: false,
      })
    this.base = options.url.replace(/\/+$/, '')
    this.fetch = options.fetch ?? fetch
  }

  /** The answer, whatever its status. Throws `log-unavailable`, retriable, where none comes: whether the request was taken is not known then. */
  async post(path: string, body: unknown, timeoutMs = this.options.httpTimeoutMs ?? 10_000): Promise<HttpAnswer> {
    const { apiKey } = this.options
    try {
      const response = await this.fetch(`${this.base}${path}`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }) },
        signal: AbortSignal.timeout(timeoutMs),
      })
      const text = await response.text()
      const retryAfter = Number(response.headers.get('retry-after') ?? NaN)
      return { status: response.status, body: parse(text), retryAfterMs: Number.isFinite(retryAfter) ? retryAfter * 1_000 : null }
    } catch (cause) {
      throw new RiskError('log-unavailable', `The gateway at ${this.base} does not answer: ${reasonOf(cause)}.`, { retriable: true, cause })
    }
  }
}

/** The error that a refusal amounts to. */
export function errorOf({ status, body, retryAfterMs }: HttpAnswer): RiskError {
  const problem = problemOf(body)
  const message = problem.detail ?? `The gateway answers with status ${status}.`
  const [first] = problem.errors ?? []
  const context = {
    status,
    problem: problem.code ?? null,
    ...(first === undefined ? {} : { field: first.field, code: first.code }),
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
  }
  const { code, retriable } = meaningOf(status)
  return new RiskError(code, message, { retriable, context })
}

/** The problem in an answer's body; empty where it holds none, as from a proxy. */
export function problemOf(body: unknown): GatewayProblem {
  return typeof body === 'object' && body !== null ? body : {}
}

function meaningOf(status: number): { readonly code: RiskErrorCode; readonly retriable: boolean } {
  if (status === 429) return { code: 'limit-reached', retriable: true }
  if (status === 401 || status === 403 || status === 404) return { code: 'configuration-invalid', retriable: false }
  if (status === 408 || status >= 500) return { code: 'log-unavailable', retriable: true }
  return { code: 'input-rejected', retriable: false }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** `fetch` itself only says that it failed; why stands in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message
}
