import { RiskError } from '@riskledger/contracts'

const ANSWER_LIMIT_MS = 10_000
/** What a registry says of a subject, a version and a schema that it does not have: Confluent's own codes, which the others have taken over. */
const NOT_FOUND_CODES: readonly unknown[] = [40_401, 40_402, 40_403]
/** What is asked to learn whether there is a registry at all. */
const PROBE = { path: '/schemas/ids/1', context: {} }

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
  /** Schemas whose types it uses; null where what the registry gives for them cannot be followed. */
  readonly references: readonly SchemaReference[] | null
}

/** Where a schema lies whose types another uses. */
export interface SchemaReference {
  readonly subject: string
  readonly version: number
}

interface Question {
  readonly path: string
  /** Ends it before its limit. */
  readonly signal?: AbortSignal | undefined
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
  const answer = await get(options, PROBE)
  const { status } = answer
  if (isUnwell(status)) throw unavailable(url, { why: `answers ${status}` })
  if (status === 401 || status === 403)
    throw invalid(url, `answers ${status}. Look at RISKLEDGER_SCHEMA_REGISTRY_USERNAME and RISKLEDGER_SCHEMA_REGISTRY_PASSWORD.`)
  if (!isOfRegistry(answer)) throw invalid(url, `answers ${status} as no schema registry does. Look at --schema-registry.`)
}

/**
 * The schema with this id; undefined where the registry says that it has none, or refuses this one while it answers others. Throws `log-unavailable` (retriable) for
 * every other answer, for none within ten seconds, and once `signal` is aborted: a registry that was well when the log was opened is away or behind something that
 * answers in its place.
 */
export function fetchSchema(options: SchemaRegistryOptions, id: number, signal?: AbortSignal): Promise<RegisteredSchema | undefined> {
  return ask(options, { path: `/schemas/ids/${id}`, signal, context: { id } })
}

/** The schema that another uses, also where it was deleted since; undefined and errors as of `fetchSchema`. */
export function fetchReferenced(
  options: SchemaRegistryOptions,
  { subject, version }: SchemaReference,
  signal?: AbortSignal,
): Promise<RegisteredSchema | undefined> {
  const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}?deleted=true`
  return ask(options, { path, signal, context: { subject, version } })
}

async function ask(options: SchemaRegistryOptions, question: Question): Promise<RegisteredSchema | undefined> {
  const answer = await get(options, question)
  const { status, body } = answer
  if (status === 200 && isSchema(body)) return { ...body, references: referencesIn(body) }
  if (saysNotFound(answer)) return undefined
  // What is asked for is a stranger's choice: where the registry refuses it and answers others, asking again does not help.
  if (isRefusal(answer) && isOfRegistry(await get(options, { ...question, ...PROBE }))) return undefined
  const { path, context } = question
  throw unavailable(options.url, { why: `answers ${status}${status === 200 ? ' without a schema' : ''} to ${path}`, context })
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
function endingAt(signal: AbortSignal | undefined): { readonly ending: AbortSignal; readonly done: () => void } {
  const controller = new AbortController()
  const end = (): void => controller.abort(new Error('the log is closed'))
  const timer = setTimeout(() => controller.abort(new Error(`nothing whole came within ${ANSWER_LIMIT_MS} ms`)), ANSWER_LIMIT_MS)
  if (signal?.aborted) end()
  signal?.addEventListener('abort', end, { once: true })
  return {
    ending: controller.signal,
    done: () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
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

/** Whether what answers is a registry that lets us in. */
function isOfRegistry(answer: Answer): boolean {
  return answer.status === 200 ? has(answer.body, 'schema') : saysNotFound(answer)
}

function saysNotFound({ status, body }: Answer): boolean {
  return status === 404 && has(body, 'error_code') && NOT_FOUND_CODES.includes(body.error_code)
}

/** Whether it is in a registry's words, and about what was asked for: others answer in words of their own. */
function isRefusal({ status, body }: Answer): boolean {
  return status >= 400 && status !== 401 && !isUnwell(status) && has(body, 'error_code') && typeof body.error_code === 'number'
}

function isSchema(body: unknown): body is Pick<RegisteredSchema, 'schema' | 'schemaType'> {
  if (!has(body, 'schema') || typeof body.schema !== 'string') return false
  return !has(body, 'schemaType') || typeof (body.schemaType ?? '') === 'string'
}

/** Null where they are none that could be followed. */
function referencesIn(body: object): RegisteredSchema['references'] {
  const references = (has(body, 'references') ? body.references : null) ?? []
  return Array.isArray(references) && references.every(isReference) ? references : null
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
