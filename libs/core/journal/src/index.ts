export { AvroReader, AvroWriter, MalformedBytesError } from './avro-bytes'
export { artifactHash, loadArtifact, storeArtifact, type Artifact } from './artifact'
export { batchOfSequence } from './batch-of-sequence'
export { checkedEntries, type CheckedEntry } from './checked-entries'
export { CoveredOffsets } from './covered-offsets'
export { deflateEntry } from './deflate-entry'
export { entryAt, holdsEntries, holdsEntry, lastEntry, peekAt, peekBackwards, type PeekedEntry } from './entry-at'
export {
  FACT_KINDS,
  decodeInputsScreened,
  encodeInputsScreened,
  writeFact,
  type FactKind,
  type Gap,
  type InputsScreenedParts,
  type InputsScreenedView,
  type JournaledFact,
  type TopicPosition,
} from './inputs-screened'
export { STATUSES, VERDICTS, emptyInput, writeInput, type JournaledInput } from './journaled-input'
export type { RecordedInput } from './recorded-input'
export { JournalDigest, combineDigests } from './journal-digest'
export { contentTypeOf, openEntry, readEntry, readMetadata, type OpenedEntry, type OpenResult } from './open-entry'
export {
  ZERO_HASH,
  decisionId,
  emptyHead,
  sealEntry,
  type ChainHead,
  type EntryMetadata,
  type SealedEntry,
  type UnsealedEntry,
} from './seal-entry'
export { artifactStream, parseScreeningStream, partitionsStream, policiesStream, relationsStream, screeningStream } from './streams'
export { decodeRelationsLearned, encodeRelationsLearned, type LearnedFact, type RelationsLearned } from './relations-learned'
