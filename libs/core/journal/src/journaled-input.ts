import type { InputStatus, Verdict } from '@riskledger/contracts'
import type { AvroWriter } from './avro-bytes'

/** Symbols of `schemas/ledger/inputs-screened.avsc`, in the order of its enums. */
export const STATUSES: readonly InputStatus[] = ['screened', 'observed', 'late', 'duplicate', 'conflicting', 'quarantined']
export const VERDICTS: readonly Verdict[] = ['allow', 'challenge', 'hold', 'block']

/** One input as the journal keeps it. Mutable: readers and the step reuse one instance per input. */
export interface JournaledInput {
  /** Index into the partition's topics, as its `SegmentOpened` lists them. */
  topic: number
  offset: number
  brokerTimeMs: number
  /** How far the file source had read beyond `brokerTimeMs`, 0 for a file in order; null for an input that came live. */
  orderLagMs: number | null
  /** The record's value verbatim, or null where only its digest is kept. */
  body: Uint8Array | null
  bodySha256: Uint8Array | null
  bodyLengthBytes: number
  status: InputStatus
  reason: string | null
  lateByMs: number | null
  /** Of a duplicate or conflicting input: the sequence under which its id was first seen. */
  firstSequence: number | null
  verdict: Verdict | null
  scorePoints: number
  dedupeUnchecked: boolean
  /** Only on outcomes: distance from habit of the payment that the outcome labels, as it stood when decided, in hundredths. */
  habitDistanceCenti: number | null
}

/** Encodes one input at the writer's position. Layout: the record `ScreenedInput` of the schema, field by field. */
export function writeInput(writer: AvroWriter, input: JournaledInput): void {
  writer.long(input.topic)
  writer.long(input.offset)
  writer.long(input.brokerTimeMs)
  writeOptionalLong(writer, input.orderLagMs)
  if (input.body !== null) {
    writer.byte(0)
    writer.bytes(input.body)
  } else {
    writer.byte(2)
    writer.fixed(input.bodySha256!)
    writer.long(input.bodyLengthBytes)
  }
  writer.byte(STATUSES.indexOf(input.status) * 2)
  if (input.reason === null) writer.byte(0)
  else {
    writer.byte(2)
    writer.string(input.reason)
  }
  writeOptionalLong(writer, input.lateByMs)
  writeOptionalLong(writer, input.firstSequence)
  if (input.verdict === null) writer.byte(0)
  else {
    writer.byte(2)
    writer.byte(VERDICTS.indexOf(input.verdict) * 2)
  }
  writer.long(input.scorePoints)
  writer.byte(input.dedupeUnchecked ? 1 : 0)
  writeOptionalLong(writer, input.habitDistanceCenti)
}

function writeOptionalLong(writer: AvroWriter, value: number | null): void {
  if (value === null) writer.byte(0)
  else {
    writer.byte(2)
    writer.long(value)
  }
}

/** A `JournaledInput` with nothing in it, to be filled and reused. */
export function emptyInput(): JournaledInput {
  return {
    topic: 0,
    offset: 0,
    brokerTimeMs: 0,
    orderLagMs: null,
    body: null,
    bodySha256: null,
    bodyLengthBytes: 0,
    status: 'observed',
    reason: null,
    lateByMs: null,
    firstSequence: null,
    verdict: null,
    scorePoints: 0,
    dedupeUnchecked: false,
    habitDistanceCenti: null,
  }
}
