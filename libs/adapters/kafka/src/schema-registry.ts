import { RiskError } from '@riskledger/contracts'

const ANSWER_LIMIT_MS = 10_000
/** What a registry says of a schema that it does not have: Confluent's own code, which the others have taken over. */
const SCHEMA_NOT_FOUND = 40_403

/** A registry of schemas, as Confluent's and those that speak its protocol. Plain data. */
export interface SchemaRegistryOptions {
  /** Such as `https://registry:8081`. */
  readonly url: string
  readonly username?: string
  readonly password?: string
}

/**
 * Asks for a schema, to learn whether there is a registry at all: an address of something else would answer that it knows no schema either, and every record would
 * end in quarantine. Throws `configuration-invalid` that names the setting, `log-unavailable` (retriable) where nothing answers or the registry is not well.
 */
export async function askRegistry({ url, username, password = '' }: SchemaRegistryOptions): Promise<void> {
  const authorization =
    username === undefined ? {} : { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` }
  let status: number
  let body: unknown
  try {
    const response = await fetch(`${url.replace(/\/$/, '')}/schemas/ids/1`, {
      headers: { accept: 'application/vnd.schemaregistry.v1+json', ...authorization },
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    })
    status = response.status
    body = await response.json().catch(() => null)
  } catch (error) {
    throw unavailable(url, { why: `does not answer (${causeOf(error)})`, cause: error })
  }
  if (status >= 500 || status === 408 || status === 429) throw unavailable(url, { why: `answers ${status}` })
  if (status === 401 || status === 403)
    throw invalid(url, `answers ${status}. Look at RISKLEDGER_SCHEMA_REGISTRY_USERNAME and RISKLEDGER_SCHEMA_REGISTRY_PASSWORD.`)
  const isRegistry = status === 200 ? has(body, 'schema') : has(body, 'error_code') && body.error_code === SCHEMA_NOT_FOUND
  if (!isRegistry) throw invalid(url, `answers ${status} as no schema registry does. Look at --schema-registry.`)
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

function unavailable(url: string, { why, cause }: { readonly why: string; readonly cause?: unknown }): RiskError {
  return new RiskError(
    'log-unavailable',
    `The schema registry at ${url} ${why}. Look whether it runs and is where --schema-registry says.`,
    {
      retriable: true,
      cause,
      context: { url },
    },
  )
}
