import { RiskError } from '@riskledger/contracts'

const ANSWER_LIMIT_MS = 10_000
/** What a registry says of a schema that it does not have: Confluent's own code, which the others have taken over. */
const SCHEMA_NOT_FOUND = 40_403
const NEVER = new AbortController().signal

/** A registry of schemas, as Confluent's and those that speak its protocol. Plain data. */
export interface SchemaRegistryOptions {
  /** Such as `https://registry:8081`. */
  readonly url: string
  readonly username?: string
  readonly password?: string
}

/** A schema as a registry gives it. */
export interface RegisteredSchema {
  readonly schema: string
  /** Mostly left out for Avro. */
  readonly schemaType?: string | null
  /** Schemas whose types it uses. */
  readonly references?: readonly SchemaReference[] | null
}

/** Where a schema lies whose types another uses. */
export interface SchemaReference {
  readonly subject: string
  readonly version: number
}

interface Question {
  readonly path: string
  /** Ends it before its limit. */
  readonly signal: AbortSignal
  /** What it is about, for the error. */
  readonly context: NonNullable<RiskError['context']>
}

interface Answer {
  readonly status: number
  /** Undefined where it is no JSON. */
  readonly body: unknown
}

/**
 * Asks for a schema, to learn whether there is a registry at all: an address of something else would answer that it knows no schema either, and every record would
 * end in quarantine. Throws `configuration-invalid` that names the setting, `log-unavailable` (retriable) where nothing answers or the registry is not well.
 */
export async function askRegistry(options: SchemaRegistryOptions): Promise<void> {
  const { url } = options
  const { status, body } = await get(options, { path: '/schemas/ids/1', signal: NEVER, context: {} })
  if (isUnwell(status)) throw unavailable(url, { why: `answers ${status}` })
  if (status === 401 || status === 403)
    throw invalid(url, `answers ${status}. Look at RISKLEDGER_SCHEMA_REGISTRY_USERNAME and RISKLEDGER_SCHEMA_REGISTRY_PASSWORD.`)
  if (!(status === 200 ? has(body, 'schema') : saysNotFound({ status, body })))
    throw invalid(url, `answers ${status} as no schema registry does. Look at --schema-registry.`)
}

/**
 * The schema with this id; undefined where the registry says that it has none. Throws `log-unavailable` (retriable) for every other answer, for none within ten
 * seconds, and once `signal` is aborted: a registry that was well when the log was opened is away or behind something that answers in its place.
 */
export async function fetchSchema(options: SchemaRegistryOptions, id: number, signal: AbortSignal): Promise<RegisteredSchema | undefined> {
  const question = { path: `/schemas/ids/${id}`, signal, context: { id } }
  const answer = await get(options, question)
  return saysNotFound(answer) ? undefined : schemaIn(answer, options.url, question)
}

/** The schema that another uses. Throws `log-unavailable` (retriable) as `fetchSchema` does, and where the registry has none. */
export async function fetchReferenced(
  options: SchemaRegistryOptions,
  { subject, version }: SchemaReference,
  signal: AbortSignal,
): Promise<RegisteredSchema> {
  const question = { path: `/subjects/${encodeURIComponent(subject)}/versions/${version}`, signal, context: { subject, version } }
  return schemaIn(await get(options, question), options.url, question)
}

function schemaIn({ status, body }: Answer, url: string, { path, context }: Question): RegisteredSchema {
  if (status === 200 && isSchema(body)) return body
  throw unavailable(url, { why: `answers ${status}${status === 200 ? ' without a schema' : ''} to ${path}`, context })
}

/** Asks, and takes in the answer to its end. */
async function get({ url, username, password = '' }: SchemaRegistryOptions, { path, signal, context }: Question): Promise<Answer> {
  const authorization =
    username === undefined ? {} : { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` }
  const { ending, done } = endingAt(signal)
  try {
    const response = await fetch(`${url.replace(/\/$/, '')}${path}`, {
      headers: { accept: 'application/vnd.schemaregistry.v1+json', ...authorization },
      signal: ending,
    })
    return { status: response.status, body: parsed(await response.text()) }
  } catch (error) {
    throw unavailable(url, { why: `does not answer (${causeOf(error)})`, cause: error, context })
  } finally {
    done()
  }
}

/** Aborted when `signal` is, and when the limit of an answer is over. Not `AbortSignal.any`: in Node 20 it may lose a signal that nobody else holds. */
function endingAt(signal: AbortSignal): { readonly ending: AbortSignal; readonly done: () => void } {
  const controller = new AbortController()
  const end = (): void => controller.abort(new Error('the log is closed'))
  const timer = setTimeout(() => controller.abort(new Error(`nothing whole came within ${ANSWER_LIMIT_MS} ms`)), ANSWER_LIMIT_MS)
  if (signal.aborted) end()
  signal.addEventListener('abort', end, { once: true })
  return {
    ending: controller.signal,
    done: () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
    },
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    // Something else than a registry answers in words of its own.
    return undefined
  }
}

function isUnwell(status: number): boolean {
  return status >= 500 || status === 408 || status === 429
}

function saysNotFound({ status, body }: Answer): boolean {
  return status === 404 && has(body, 'error_code') && body.error_code === SCHEMA_NOT_FOUND
}

function isSchema(body: unknown): body is RegisteredSchema {
  if (typeof body !== 'object' || body === null) return false
  const { schema, schemaType, references } = body as Readonly<Record<string, unknown>>
  if (typeof schema !== 'string' || typeof (schemaType ?? '') !== 'string') return false
  return Array.isArray(references ?? []) && ((references as readonly unknown[] | null | undefined) ?? []).every(isReference)
}

function isReference(reference: unknown): reference is SchemaReference {
  return (
    has(reference, 'subject') && typeof reference.subject === 'string' && has(reference, 'version') && Number.isInteger(reference.version)
  )
}

function has<Name extends string>(body: unknown, name: Name): body is Record<Name, unknown> {
  return typeof body === 'object' && body !== null && name in body
}

/** What `fetch` failed with is in the error's cause. */
function causeOf(error: unknown): string {
  const { cause, message } = error as { readonly cause?: { readonly message?: string }; readonly message: string }
  return cause?.message ?? message
}

function invalid(url: string, why: string): RiskError {
  return new RiskError('configuration-invalid', `The schema registry at ${url} ${why}`, { retriable: false, context: { url } })
}

function unavailable(
  url: string,
  { why, cause, context }: { readonly why: string; readonly cause?: unknown; readonly context?: RiskError['context'] },
): RiskError {
  return new RiskError(
    'log-unavailable',
    `The schema registry at ${url} ${why}. Look whether it runs and is where --schema-registry says.`,
    {
      retriable: true,
      cause,
      context: { url, ...context },
    },
  )
}
