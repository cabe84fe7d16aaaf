import type { AvroReader } from './avro-reader'
import type { TokenSpan } from './token-span'

/** What a view shows before it has read anything. */
export const NO_BYTES = new Uint8Array(0)

/** What the views of all raw events have in common. */
export interface RawView {
  /** The record that the view is of; good until it is read again. */
  readonly bytes: Uint8Array
  readonly eventIdAt: number
  readonly accountIdSpan: TokenSpan
  readonly eventTimeMs: number
  read(reader: AvroReader): void
}
