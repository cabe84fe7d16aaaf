import { AvroReader, AvroWriter, MalformedBytesError } from './avro-bytes'
import { RecordedInput } from './recorded-input'

/** Symbols of the enum of facts of `schemas/ledger/inputs-screened.avsc`, in its order. */
export const FACT_KINDS = ['counterparty', 'device', 'random-challenge'] as const
export type FactKind = (typeof FACT_KINDS)[number]

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
   * Visits the inputs in order and returns how many there were; the one `RecordedInput` is reused, its `body` is a view into the
   * entry. Throws `MalformedBytesError` where the bytes are damaged or go on past the last input.
   */
  forEachInput(visit: (input: RecordedInput, index: number) => void): number
  /** The same, `size` at a time: visits the first `length` of an array of as many reused inputs. */
  forEachBlock(size: number, visit: (inputs: readonly RecordedInput[], length: number) => void): number
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
      let index = 0
      return this.forEachBlock(1, ([input]) => visit(input, index++))
    },
    forEachBlock(size, visit) {
      // Made as they are needed: most live batches hold a few inputs, and each has a getter of its own.
      const inputs: RecordedInput[] = []
      reader.position = inputsAt
      let total = 0
      let length = 0
      for (let count = reader.count(MAX_ITEMS); count > 0; count = reader.count(MAX_ITEMS)) {
        for (let i = 0; i < count; i++) {
          if (length === inputs.length) inputs.push(new RecordedInput(reader))
          inputs[length++].readNext()
          if (length < size) continue
          visit(inputs, length)
          total += length
          length = 0
        }
      }
      if (!reader.atEnd) throw new MalformedBytesError(`bytes go on after the last input at ${reader.position}`)
      if (length > 0) visit(inputs, length)
      return total + length
    },
  }
}

function readPosition(reader: AvroReader): TopicPosition {
  return { topic: reader.long(), fromOffset: reader.long(), toOffset: reader.long() }
}

function readFact(reader: AvroReader): JournaledFact {
  return {
    sequence: reader.long(),
    kind: reader.symbol(FACT_KINDS),
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
