import { createHash } from 'node:crypto'
import { RiskError, type EventTopic } from '@riskledger/contracts'
import { adviceFor, decodeRaw, isEventTopic, readOrigin, type EventOrigin } from '@riskledger/events'
import { readEvent } from './explain-input'
import type { FindOptions, FoundInput } from './find-input'
import { findInput } from './find-input'

/** Fields of an event that nobody has accepted yet. */
export type DraftFields = Readonly<Record<string, unknown>>

/** A refused input, and everything that its bytes tell. */
export interface RefusedInput {
  readonly found: FoundInput
  readonly reason: string
  readonly meaning: string
  readonly repair: string
  /** What is wrong with this one, in words; may quote what it holds. */
  readonly detail: string
  readonly origin: EventOrigin
  /** Its event as far as it can be read: decoded, or as its line has it. Null where nothing of it can. */
  readonly event: { readonly topic: EventTopic | null; readonly fields: DraftFields } | null
  readonly valueSha256: string
  readonly valueLengthBytes: number
}

/** Finds a refused input by `<partition>/<sequence>`. Throws as `findInput`, and `configuration-invalid` for an input that was not refused. */
export async function findRefused(place: string, options: FindOptions): Promise<RefusedInput> {
  if (!/^(\d{1,4}\/)?\d{1,15}$/.test(place.trim())) {
    throw new RiskError(
      'configuration-invalid',
      `${place} names no input: it is <partition>/<sequence>, as riskledger quarantine list prints it.`,
      { retriable: false },
    )
  }
  const found = await findInput(place, options)
  const { status, reason } = found.input
  if (status !== 'quarantined') {
    const at = `${found.partition}/${found.sequence}`
    throw new RiskError('configuration-invalid', `Input ${at} was not refused: it is ${status}. riskledger explain ${at} tells of it.`, {
      retriable: false,
    })
  }
  const { body, bodySha256, bodyLengthBytes } = found.input
  return {
    found,
    reason: reason ?? '',
    ...adviceFor(reason ?? ''),
    detail: readEvent(found).detail ?? '',
    origin: body === null ? readOrigin('unparsable', new Uint8Array(0)) : readOrigin(found.topic, body),
    event: body === null ? null : readDraft(found, body),
    valueSha256: Buffer.from(body === null ? bodySha256! : createHash('sha256').update(body).digest()).toString('hex'),
    valueLengthBytes: bodyLengthBytes,
  }
}

function readDraft({ topic }: FoundInput, body: Uint8Array): RefusedInput['event'] {
  if (topic === 'unparsable') return readLine(Buffer.from(body).toString('utf8'))
  const { topic: named } = readOrigin(topic, body)
  const decoded = decodeRaw(named ?? topic, body)
  return decoded.kind === 'rejected' ? null : { topic: named ?? topic, fields: decoded.event as unknown as DraftFields }
}

/** An event of `{"topic": ..., "event": {...}}`; null where the text is none. */
export function readLine(text: string): RefusedInput['event'] {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
  const { topic, event } = isObject(json) ? json : {}
  return isObject(event) ? { topic: isEventTopic(topic) ? topic : null, fields: event } : null
}

/** True for a JSON object. */
export function isObject(json: unknown): json is DraftFields {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}
