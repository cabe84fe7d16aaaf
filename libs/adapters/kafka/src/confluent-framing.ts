import { setMaxListeners } from 'node:events'
import type { LogRecord } from '@riskledger/contracts'
import { canonicalFormOf } from './canonical-form'
import { RegisteredVersion } from './registered-version'
import { askRegistry, type SchemaRegistryOptions } from './schema-registry'

/** Confluent's framing: 00, the schema's id in the registry (4 bytes, big-endian, from 1 to 2^31 - 1), the Avro body. */
const CONFLUENT_HEADER_BYTES = 5
const MAGIC = 0
/** Ids that are remembered, known and unknown each; past it they are asked for anew. */
const MAX_REMEMBERED = 10_000
/** An id that the registry does not know, or cannot tell whole, is asked for again after this long. */
const UNKNOWN_FOR_MS = 60_000
/** Ids of one fetch that are asked for at the same time. */
const MAX_ASKED_AT_ONCE = 16

/**
 * Turns records in Confluent's framing into the single-object encoding of the Avro specification, which is all that is decoded and journaled: Avro behind a
 * header that names the schema by its content, instead of by a number that means something in one registry only. Records of other versions of a topic's schema are
 * brought to the current one here, so that a journal is read without the registry; of any other schema it is known which it was. Records that are not framed so, whose id no registry can have, whose id or a
 * schema that it refers to the registry does not know, or whose schema is no Avro stay as they are: the screener quarantines them.
 */
export class ConfluentFraming {
  private readonly versions = new Map<number, RegisteredVersion | null>()
  private readonly unknownUntilMs = new Map<number, number>()

  private readonly asked = new Map<number, Promise<RegisteredVersion | null>>()
  private readonly closing = new AbortController()

  constructor(
    private readonly options: SchemaRegistryOptions,
    private readonly monotonicMs: () => number,
  ) {
    // Every question listens, and all views of a log ask here.
    setMaxListeners(0, this.closing.signal)
  }

  /** Asks whether this is a registry that answers us. Throws `configuration-invalid` where it is not, `log-unavailable` (retriable) where nothing answers. */
  check(): Promise<void> {
    return askRegistry(this.options)
  }

  /**
   * The records, reframed where they are to be. Throws `log-unavailable` (retriable) where the registry does not say what an id is, within ten seconds for each
   * question, or the framing is closed: that is no fault of the record's.
   */
  async reframe(records: readonly LogRecord[]): Promise<readonly LogRecord[]> {
    const ids = new Set(records.filter(({ value }) => isConfluent(value)).map(({ value }) => idOf(value)))
    if (ids.size === 0) return records
    const versions = await this.versionsOf(ids)
    return records.map((record) => {
      const version = isConfluent(record.value) ? (versions.get(idOf(record.value)) ?? null) : null
      if (version === null) return record
      return { ...record, value: version.singleObject(record.topic, record.value.subarray(CONFLUENT_HEADER_BYTES)) }
    })
  }

  /** Ends what is being asked. */
  close(): void {
    this.closing.abort()
  }

  /** Ids are a stranger's choice: a fetch that is full of them must not wait for one after another. */
  private async versionsOf(ids: ReadonlySet<number>): Promise<ReadonlyMap<number, RegisteredVersion | null>> {
    const versions = new Map<number, RegisteredVersion | null>()
    const left = ids.values()
    const takeOn = async (): Promise<void> => {
      for (const id of left) versions.set(id, await this.versionOf(id))
    }
    await Promise.all(Array.from({ length: Math.min(ids.size, MAX_ASKED_AT_ONCE) }, takeOn))
    return versions
  }

  private async versionOf(id: number): Promise<RegisteredVersion | null> {
    const known = this.versions.get(id)
    if (known !== undefined) return known
    if ((this.unknownUntilMs.get(id) ?? 0) > this.monotonicMs()) return null
    let asked = this.asked.get(id)
    if (asked === undefined) {
      asked = this.ask(id).finally(() => this.asked.delete(id))
      this.asked.set(id, asked)
    }
    return asked
  }

  private async ask(id: number): Promise<RegisteredVersion | null> {
    const schema = await canonicalFormOf(this.options, id, this.closing.signal)
    if (schema === undefined) {
      remember(this.unknownUntilMs, id, this.monotonicMs() + UNKNOWN_FOR_MS)
      return null
    }
    const version = schema === null ? null : new RegisteredVersion(schema)
    remember(this.versions, id, version)
    return version
  }
}

function isConfluent(value: Uint8Array): boolean {
  return value.length >= CONFLUENT_HEADER_BYTES && value[0] === MAGIC && idOf(value) > 0
}

/** Java's int, as registries have it; they count from 1. */
function idOf(value: Uint8Array): number {
  return (value[1] << 24) | (value[2] << 16) | (value[3] << 8) | value[4]
}

/** Ids are a stranger's choice: the oldest goes. */
function remember<T>(map: Map<number, T>, id: number, value: T): void {
  if (map.size >= MAX_REMEMBERED) map.delete(map.keys().next().value!)
  map.set(id, value)
}
