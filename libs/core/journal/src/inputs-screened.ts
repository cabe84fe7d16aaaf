import type { InputStatus, Verdict } from '@riskledger/contracts'
import { AvroReader, AvroWriter, MalformedBytesError } from './avro-bytes'

/** Symbols of `schemas/ledger/inputs-screened.avsc`, in the order of its enums. */
export const STATUSES: readonly InputStatus[] = ['screened', 'observed', 'late', 'duplicate', 'conflicting', 'quarantined']
export const VERDICTS: readonly Verdict[] = ['allow', 'challenge', 'hold', 'block']
export const FACT_KINDS = ['counterparty', 'device', 'random-challenge'] as const
export type FactKind = (typeof FACT_KINDS)[number]

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

/** A fact from outside that a verdict used, listed with the input that first used it. */
export interface JournaledFact {
  readonly sequence: number
  readonly kind: FactKind
  readonly keyToken: string
  readonly value: Uint8Array
  readonly sourceStream: string
  readonly sourceRevision: number
}

/** What a topic's consumed range is, `[fromOffset, toOffset)`. */
export interface TopicPosition {
  readonly topic: number
  readonly fromOffset: number
  readonly toOffset: number
}

export interface Gap extends TopicPosition {
  readonly reason: string
}

/** An `InputsScreened` entry without its inputs, which are read one by one. */
interface BatchHeader {
  readonly firstSequence: number
  readonly tickMs: number
  readonly positions: readonly TopicPosition[]
}

const MAX_ITEMS = 1_000_000

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

/** Encodes a fact at the writer's position. */
export function writeFact(writer: AvroWriter, fact: JournaledFact): void {
  writer.long(fact.sequence)
  writer.byte(FACT_KINDS.indexOf(fact.kind) * 2)
  writer.string(fact.keyToken)
  writer.bytes(fact.value)
  writer.string(fact.sourceStream)
  writer.long(fact.sourceRevision)
}

/** Parts of an `InputsScreened` whose inputs and facts are encoded already. */
export interface InputsScreenedParts extends BatchHeader {
  readonly inputCount: number
  readonly inputBytes: Uint8Array
  readonly gaps: readonly Gap[]
  readonly factCount: number
  readonly factBytes: Uint8Array
}

/** The plain (not deflated) bytes of an `InputsScreened` entry. */
export function encodeInputsScreened(parts: InputsScreenedParts): Buffer {
  const writer = new AvroWriter(parts.inputBytes.length + parts.factBytes.length + 1024)
  writer.long(parts.firstSequence)
  writer.long(parts.tickMs)
  writeArray(writer, parts.positions, (position) => writePosition(writer, position))
  writeArray(writer, parts.gaps, (gap) => {
    writePosition(writer, gap)
    writer.string(gap.reason)
  })
  writeBlock(writer, parts.factCount, parts.factBytes)
  writeBlock(writer, parts.inputCount, parts.inputBytes)
  return writer.take()
}

function writePosition(writer: AvroWriter, position: TopicPosition): void {
  writer.long(position.topic)
  writer.long(position.fromOffset)
  writer.long(position.toOffset)
}

function writeArray<T>(writer: AvroWriter, items: readonly T[], write: (item: T) => void): void {
  if (items.length > 0) writer.long(items.length)
  for (const item of items) write(item)
  writer.byte(0)
}

function writeBlock(writer: AvroWriter, count: number, bytes: Uint8Array): void {
  if (count > 0) {
    writer.long(count)
    writer.fixed(bytes)
  }
  writer.byte(0)
}

/** What stands before the inputs of an `InputsScreened` entry, and a way to visit them. */
export interface InputsScreenedView extends BatchHeader {
  readonly gaps: readonly Gap[]
  readonly facts: readonly JournaledFact[]
  /**
   * Visits the inputs in order and returns how many there were; the one `JournaledInput` is reused, its `body` is a view into the
   * entry. Throws `MalformedBytesError` where the bytes are damaged or go on past the last input.
   */
  forEachInput(visit: (input: JournaledInput, index: number) => void): number
}

/**
 * Reads the plain bytes of an `InputsScreened` entry up to its inputs.
 * Throws `MalformedBytesError` where they are not what `encodeInputsScreened` writes.
 */
export function decodeInputsScreened(plain: Uint8Array): InputsScreenedView {
  const reader = new AvroReader(plain)
  const firstSequence = reader.long()
  const tickMs = reader.long()
  const positions = readArray(reader, () => readPosition(reader))
  const gaps = readArray(reader, () => ({ ...readPosition(reader), reason: reader.string() }))
  const facts = readArray(reader, () => readFact(reader))
  const inputsAt = reader.position
  return {
    firstSequence,
    tickMs,
    positions,
    gaps,
    facts,
    forEachInput(visit) {
      const scratch = emptyInput()
      reader.position = inputsAt
      let index = 0
      for (let count = reader.count(MAX_ITEMS); count > 0; count = reader.count(MAX_ITEMS)) {
        for (let i = 0; i < count; i++) {
          readInput(reader, scratch)
          visit(scratch, index++)
        }
      }
      if (!reader.atEnd) throw new MalformedBytesError(`bytes go on after the last input at ${reader.position}`)
      return index
    },
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

function readInput(reader: AvroReader, input: JournaledInput): void {
  input.topic = reader.long()
  input.offset = reader.long()
  input.brokerTimeMs = reader.long()
  input.orderLagMs = readOptionalLong(reader)
  if (reader.branch() === 0) {
    input.body = reader.bytes()
    input.bodySha256 = null
    input.bodyLengthBytes = input.body.length
  } else {
    input.body = null
    input.bodySha256 = reader.fixed(32)
    input.bodyLengthBytes = reader.long()
  }
  input.status = symbol(STATUSES, reader.byte())
  input.reason = reader.branch() === 0 ? null : reader.string()
  input.lateByMs = readOptionalLong(reader)
  input.firstSequence = readOptionalLong(reader)
  input.verdict = reader.branch() === 0 ? null : symbol(VERDICTS, reader.byte())
  input.scorePoints = reader.long()
  input.dedupeUnchecked = reader.boolean()
  input.habitDistanceCenti = readOptionalLong(reader)
}

/** The symbol of an enum of fewer than 64, from its one byte. */
export function symbol<T>(symbols: readonly T[], doubled: number): T {
  const value = (doubled & 1) === 0 ? symbols[doubled >> 1] : undefined
  if (value === undefined) throw new MalformedBytesError(`${doubled >> 1} names no symbol of its enum`)
  return value
}

function readOptionalLong(reader: AvroReader): number | null {
  return reader.branch() === 0 ? null : reader.long()
}

function readPosition(reader: AvroReader): TopicPosition {
  return { topic: reader.long(), fromOffset: reader.long(), toOffset: reader.long() }
}

function readFact(reader: AvroReader): JournaledFact {
  return {
    sequence: reader.long(),
    kind: symbol(FACT_KINDS, reader.byte()),
    keyToken: reader.string(),
    value: reader.bytes(),
    sourceStream: reader.string(),
    sourceRevision: reader.long(),
  }
}

function readArray<T>(reader: AvroReader, read: () => T): T[] {
  const items: T[] = []
  for (let count = reader.count(MAX_ITEMS); count > 0; count = reader.count(MAX_ITEMS)) {
    for (let i = 0; i < count; i++) items.push(read())
  }
  return items
}
