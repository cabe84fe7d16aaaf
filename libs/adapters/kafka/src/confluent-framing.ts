import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { RiskError, type LogRecord } from '@riskledger/contracts'
import { singleObjectHeader } from './schema-fingerprint'
import { askRegistry, type SchemaRegistryOptions } from './schema-registry'

/** Confluent's framing: 00, the schema's id in the registry (4 bytes, big-endian), the Avro body. */
const CONFLUENT_HEADER_BYTES = 5
const MAGIC = 0
/** Ids that are remembered, known and unknown each; past it they are asked for anew. */
const MAX_REMEMBERED = 10_000
/** An id that the registry does not know is asked for again after this long. */
const UNKNOWN_FOR_MS = 60_000

/**
 * Turns records in Confluent's framing into the single-object encoding of the Avro specification, which is all that is decoded and journaled: the same
 * bytes of Avro behind a header that names the schema by its content, instead of by a number that means something in one registry only. So a record of any
 * version that can be read is read, and of any other it is known which it was. Records that are not framed so, whose id the registry does not know, or whose
 * schema is no Avro stay as they are: the screener quarantines them.
 */
export class ConfluentFraming {
  private readonly registry: SchemaRegistry
  private readonly headers = new Map<number, Uint8Array | null>()
  private readonly unknownUntilMs = new Map<number, number>()

  constructor(
    private readonly options: SchemaRegistryOptions,
    private readonly monotonicMs: () => number,
  ) {
    const { url, username, password } = options
    const auth = username === undefined ? {} : { auth: { username, password: password ?? '' } }
    this.registry = new SchemaRegistry({ host: url, ...auth, retry: { retries: 0 } })
  }

  /** Asks whether this is a registry that answers us. Throws `configuration-invalid` where it is not, `log-unavailable` (retriable) where nothing answers. */
  check(): Promise<void> {
    return askRegistry(this.options)
  }

  /** The records, reframed where they are to be. Throws `log-unavailable` (retriable) where the registry cannot be asked: that is no fault of the record's. */
  async reframe(records: readonly LogRecord[]): Promise<readonly LogRecord[]> {
    const ids = new Set(records.filter(({ value }) => isConfluent(value)).map(({ value }) => idOf(value)))
    if (ids.size === 0) return records
    const headers = new Map<number, Uint8Array | null>()
    for (const id of ids) headers.set(id, await this.headerOf(id))
    return records.map((record) => {
      const header = isConfluent(record.value) ? (headers.get(idOf(record.value)) ?? null) : null
      return header === null ? record : { ...record, value: Buffer.concat([header, record.value.subarray(CONFLUENT_HEADER_BYTES)]) }
    })
  }

  private async headerOf(id: number): Promise<Uint8Array | null> {
    const known = this.headers.get(id)
    if (known !== undefined) return known
    if ((this.unknownUntilMs.get(id) ?? 0) > this.monotonicMs()) return null
    const schema = await this.schemaOf(id)
    if (schema === undefined) {
      remember(this.unknownUntilMs, id, this.monotonicMs() + UNKNOWN_FOR_MS)
      return null
    }
    const header = schema === null ? null : singleObjectHeader(schema)
    remember(this.headers, id, header)
    return header
  }

  /** The parsing canonical form of a schema; null for one that is no Avro, undefined for an id that the registry does not know. */
  private async schemaOf(id: number): Promise<string | null | undefined> {
    try {
      const found = await this.registry.getSchema(id)
      // What avsc gives for a type is that form.
      return 'schema' in found && typeof found.schema === 'function' ? JSON.stringify((found.schema as () => unknown)()) : null
    } catch (error) {
      const status = error instanceof Error && 'status' in error ? error.status : undefined
      if (status === 404) return undefined
      // Without a status it answered, with what is no schema.
      if (status === undefined) return null
      const { url } = this.options
      throw new RiskError(
        'log-unavailable',
        `The schema registry at ${url} could not be asked for schema ${id}: ${(error as Error).message}.`,
        {
          retriable: true,
          cause: error,
          context: { url, id },
        },
      )
    }
  }
}

function isConfluent(value: Uint8Array): boolean {
  return value.length >= CONFLUENT_HEADER_BYTES && value[0] === MAGIC
}

function idOf(value: Uint8Array): number {
  return ((value[1] << 24) | (value[2] << 16) | (value[3] << 8) | value[4]) >>> 0
}

/** Ids are a stranger's choice: the oldest goes. */
function remember<T>(map: Map<number, T>, id: number, value: T): void {
  if (map.size >= MAX_REMEMBERED) map.delete(map.keys().next().value!)
  map.set(id, value)
}
