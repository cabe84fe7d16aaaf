import type { EventTopic, RawTopic } from '@riskledger/contracts'
import { isEventTopic, rawHeader, WriterSchemas } from '@riskledger/events'
import { singleObjectHeader } from './schema-fingerprint'

/**
 * A schema of a registry, and how its records are read. One that differs from a topic's current schema, earlier or later, and that Avro lets that one read, is a
 * version of it: a publisher may be ahead of whoever screens.
 */
export class RegisteredVersion {
  private readonly header: Uint8Array
  /** By topic, how it is read there; null where it is the current schema itself, or none that could be read. */
  private readonly readings = new Map<RawTopic, WriterSchemas | null>()

  /** `canonicalForm`: its parsing canonical form. */
  constructor(private readonly canonicalForm: string) {
    this.header = singleObjectHeader(canonicalForm)
  }

  /**
   * The record in the single-object encoding: of the topic's current schema where this is a version of it, with the fields left out that that one does not know; else of this
   * schema, which the screener quarantines by its fingerprint.
   */
  singleObject(topic: RawTopic, body: Uint8Array): Uint8Array {
    const value = Buffer.concat([this.header, body])
    const brought = this.readingOf(topic)?.bring(topic as EventTopic, value)
    return brought?.kind === 'current' ? brought.value : value
  }

  private readingOf(topic: RawTopic): WriterSchemas | null {
    let reading = this.readings.get(topic)
    if (reading === undefined) this.readings.set(topic, (reading = this.readAs(topic)))
    return reading
  }

  private readAs(topic: RawTopic): WriterSchemas | null {
    if (!isEventTopic(topic) || Buffer.compare(this.header, rawHeader(topic)) === 0) return null
    try {
      return new WriterSchemas([{ topic, json: this.canonicalForm }])
    } catch {
      // Whatever it was refused for, it is no version of this topic's schema.
      return null
    }
  }
}
