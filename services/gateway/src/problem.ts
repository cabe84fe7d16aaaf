/** Every way in which the gateway refuses a request. A closed union: clients branch on it, never on the words beside it. */
export type ProblemCode =
  | 'not-json'
  | 'body-invalid'
  | 'event-rejected'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'unsupported-media-type'
  | 'body-too-large'
  | 'rate-limited'
  | 'overloaded'
  | 'conflicting'
  | 'quarantined'
  | 'unavailable'
  | 'request-invalid'
  | 'request-too-slow'
  | 'internal'

/** One thing wrong with a request. */
export interface ProblemItem {
  /** Which event of a batch, from 0; absent where the request holds one event or the body as a whole is meant. */
  readonly index?: number
  /** Path of the field, such as `amountMinor`; empty for the event or the body as a whole. */
  readonly field: string
  /** As the checks of events name it, such as `out-of-range`. */
  readonly code: string
  /** What is wrong, and what is allowed. */
  readonly reason: string
}

/** A refusal before it has its HTTP form. */
export interface Problem {
  readonly code: ProblemCode
  /** What was wrong, where, and what to do. */
  readonly detail: string
  /** At most `MAX_PROBLEM_ITEMS`. */
  readonly errors?: readonly ProblemItem[]
  /** How long to wait before the same request may succeed, in whole seconds. */
  readonly retryAfterSeconds?: number
}

/** A problem as RFC 9457 writes it. */
export interface ProblemDocument extends Problem {
  readonly type: string
  readonly title: string
  readonly status: number
}

/** Most items that one problem lists; its detail says how many there are. */
export const MAX_PROBLEM_ITEMS = 100

const KINDS: Readonly<Record<ProblemCode, { readonly status: number; readonly title: string }>> = {
  'not-json': { status: 400, title: 'The body is not JSON' },
  'body-invalid': { status: 400, title: 'The body has another form' },
  'event-rejected': { status: 422, title: 'An event is not as its schema says' },
  unauthenticated: { status: 401, title: 'No valid API key' },
  forbidden: { status: 403, title: 'The API key may not do this' },
  'not-found': { status: 404, title: 'There is no such thing' },
  'unsupported-media-type': { status: 415, title: 'The body is of another media type' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'rate-limited': { status: 429, title: 'Too many events a second' },
  overloaded: { status: 429, title: 'Too much is under way' },
  conflicting: { status: 409, title: 'The event id is taken' },
  quarantined: { status: 422, title: 'The event was quarantined' },
  unavailable: { status: 503, title: 'Not available now' },
  'request-invalid': { status: 400, title: 'The request is not a valid one' },
  'request-too-slow': { status: 408, title: 'The request came too slowly' },
  internal: { status: 500, title: 'The gateway failed' },
}

/** The media type of every refusal. */
export const PROBLEM_MEDIA_TYPE = 'application/problem+json'

/** The HTTP status of a code. */
export function statusOf(code: ProblemCode): number {
  return KINDS[code].status
}

/** The body of the response. */
export function problemDocument(problem: Problem): ProblemDocument {
  return { type: `urn:riskledger:problem:${problem.code}`, ...KINDS[problem.code], ...problem }
}

/** Thrown by whatever refuses a request; the server's error handler turns it into the response. */
export class Refusal extends Error {
  override readonly name = 'Refusal'

  constructor(readonly problem: Problem) {
    super(problem.detail)
  }
}

/** Nothing is at the place that a request asks for. */
export function notFound({ method, url }: { readonly method: string; readonly url: string }): Refusal {
  return new Refusal({ code: 'not-found', detail: `There is no ${method} ${url.slice(0, 200)}. GET /openapi.json lists what there is.` })
}
