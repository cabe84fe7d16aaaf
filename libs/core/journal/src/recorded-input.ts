import type { InputStatus, Verdict } from '@riskledger/contracts'
import type { AvroReader } from './avro-bytes'
import { STATUSES, VERDICTS, type JournaledInput } from './journaled-input'

/**
 * The input at which the reading of an entry stands. `body` is made when it is asked for, because a view costs more than all other fields of an
 * input together, and many readers need it of few inputs or none.
 */
export class RecordedInput implements JournaledInput {
  topic = 0
  offset = 0
  brokerTimeMs = 0
  orderLagMs: number | null = null
  bodySha256: Uint8Array | null = null
  bodyLengthBytes = 0
  status: InputStatus = 'observed'
  reason: string | null = null
  lateByMs: number | null = null
  firstSequence: number | null = null
  verdict: Verdict | null = null
  scorePoints = 0
  dedupeUnchecked = false
  habitDistanceCenti: number | null = null
  /** The record's value, a view into the entry; null where only its digest was kept. */
  declare readonly body: Uint8Array | null
  readonly #reader: AvroReader
  #bodyAt = -1
  #body: Uint8Array | null = null

  constructor(reader: AvroReader) {
    this.#reader = reader
    Object.defineProperty(this, 'body', RecordedInput.#BODY)
  }

  /** A property of the object's own, so that `{ ...input }` is a whole copy; and one getter for all, so that their shape stays one. */
  static readonly #BODY: PropertyDescriptor = {
    enumerable: true,
    get(this: RecordedInput): Uint8Array | null {
      if (this.#body === null && this.#bodyAt >= 0) this.#body = this.#reader.view(this.#bodyAt, this.#bodyAt + this.bodyLengthBytes)
      return this.#body
    },
  }

  /** Where the body of `bodyLengthBytes` begins in the entry's plain data; -1 where only its digest was kept. */
  get bodyAt(): number {
    return this.#bodyAt
  }

  /** Moves on to the input at the reader's position. Throws `MalformedBytesError`. */
  readNext(): void {
    const reader = this.#reader
    this.topic = reader.long()
    this.offset = reader.long()
    this.brokerTimeMs = reader.long()
    this.orderLagMs = reader.optionalLong()
    this.#body = null
    if (reader.branch() === 0) {
      this.bodyLengthBytes = reader.skipBytes()
      this.#bodyAt = reader.position - this.bodyLengthBytes
      this.bodySha256 = null
    } else {
      this.#bodyAt = -1
      this.bodySha256 = reader.fixed(32)
      this.bodyLengthBytes = reader.long()
    }
    this.status = reader.symbol(STATUSES)
    this.reason = reader.branch() === 0 ? null : reader.string()
    this.lateByMs = reader.optionalLong()
    this.firstSequence = reader.optionalLong()
    this.verdict = reader.branch() === 0 ? null : reader.symbol(VERDICTS)
    this.scorePoints = reader.long()
    this.dedupeUnchecked = reader.boolean()
    this.habitDistanceCenti = reader.optionalLong()
  }
}
