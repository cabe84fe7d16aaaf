import { AvroReader, AvroWriter, MalformedBytesError } from './avro-bytes'
import { FACT_KINDS, type FactKind } from './inputs-screened'

/** A fact as relations publish it: what is known of a key from the end of an epoch on. */
export interface LearnedFact {
  /** Number of the event-time epoch whose inputs taught it; -1 where it came from live inputs and is known at once. */
  readonly epoch: number
  readonly kind: FactKind
  readonly keyToken: string
  readonly value: Uint8Array
}

/** Content of a `RelationsLearned` entry. */
export interface RelationsLearned {
  /** All inputs of all partitions up to and including this epoch are folded; -1 before the first. */
  readonly throughEpoch: number
  /** The journal revisions that it stands on: the last of each stream, in the order in which they were consumed. */
  readonly consumed: readonly { readonly stream: string; readonly revision: number }[]
  readonly facts: readonly LearnedFact[]
}

const MAX_ITEMS = 1_000_000

/** The plain bytes of a `RelationsLearned` entry, in Avro's binary form. */
export function encodeRelationsLearned(learned: RelationsLearned): Buffer {
  const writer = new AvroWriter(1_024)
  writer.long(learned.throughEpoch)
  if (learned.consumed.length > 0) writer.long(learned.consumed.length)
  for (const { stream, revision } of learned.consumed) {
    writer.string(stream)
    writer.long(revision)
  }
  writer.byte(0)
  if (learned.facts.length > 0) writer.long(learned.facts.length)
  for (const fact of learned.facts) {
    writer.long(fact.epoch)
    writer.byte(FACT_KINDS.indexOf(fact.kind) * 2)
    writer.string(fact.keyToken)
    writer.bytes(fact.value)
  }
  writer.byte(0)
  return writer.take()
}

/** Reads what `encodeRelationsLearned` wrote; throws `MalformedBytesError` on other bytes. */
export function decodeRelationsLearned(plain: Uint8Array): RelationsLearned {
  const reader = new AvroReader(plain)
  const throughEpoch = reader.long()
  const consumed: { stream: string; revision: number }[] = []
  for (let count = reader.count(MAX_ITEMS); count > 0; count = reader.count(MAX_ITEMS)) {
    for (let i = 0; i < count; i++) consumed.push({ stream: reader.string(), revision: reader.long() })
  }
  const facts: LearnedFact[] = []
  for (let count = reader.count(MAX_ITEMS); count > 0; count = reader.count(MAX_ITEMS)) {
    for (let i = 0; i < count; i++) {
      facts.push({ epoch: reader.long(), kind: reader.symbol(FACT_KINDS), keyToken: reader.string(), value: reader.bytes() })
    }
  }
  if (!reader.atEnd) throw new MalformedBytesError(`bytes go on after the last fact at ${reader.position}`)
  return { throughEpoch, consumed, facts }
}
