import type { QuarantineReason } from './quarantine-reason'

/** Why an input was refused, in words that say nothing of its content, and what its publisher repairs. */
export interface QuarantineAdvice {
  /** A sentence without its full stop. */
  readonly meaning: string
  /** Another, in the imperative. */
  readonly repair: string
}

const ADVICE: Readonly<Record<QuarantineReason, QuarantineAdvice>> = {
  oversized: {
    meaning: 'the record is larger than 64 KiB, so only its digest was kept',
    repair: 'Send what the schema has fields for and nothing else',
  },
  truncated: {
    meaning: 'the record ends before its last field',
    repair: 'Look for a buffer that is cut or used again before it is sent, then send it whole',
  },
  'unknown-framing': {
    meaning: 'the value is no Avro single-object encoding, which begins with the bytes C3 01',
    repair: 'Encode it as the topic expects, for instance with the client',
  },
  'unknown-schema': {
    meaning: 'the value names a schema by a fingerprint that is not known here',
    repair: 'Write with a released version of the schema, or have the new version rolled out here first',
  },
  'wrong-topic-schema': {
    meaning: 'the value is an event of another topic',
    repair: 'Send it on the topic of its schema',
  },
  'invalid-utf8': {
    meaning: 'a text in it is not valid UTF-8',
    repair: 'Encode texts as UTF-8, not in the code page of the system that they come from',
  },
  'trailing-bytes': {
    meaning: 'bytes are left after its last field',
    repair: 'Send the length that was encoded, not the whole buffer; write with the schema that the header names',
  },
  'too-many-items': {
    meaning: 'a list in it has more items than its schema allows',
    repair: 'Send no more than the limit that the schema states',
  },
  'invalid-value': {
    meaning: 'a field holds what its schema does not allow',
    repair: 'Validate the event before it is sent; the answer names the field',
  },
  'unknown-enum': {
    meaning: 'a field names a symbol that its schema does not know',
    repair: 'Use a symbol of the schema, or unknown where it has that',
  },
  'missing-id': {
    meaning: 'an id is empty, or the nil UUID',
    repair: 'Give every event an id of its own, and every token at least one character',
  },
  'hostile-id': {
    meaning: 'an id holds control, invisible or direction-changing characters, or its length is written in more bytes than it needs',
    repair: 'Send ids of printable characters, encoded by an ordinary Avro writer',
  },
  'key-mismatch': {
    meaning: "the record's key is not its accountId",
    repair: 'Use the accountId in UTF-8 as the key, byte for byte',
  },
  mispartitioned: {
    meaning: 'the record stands on a partition where its account does not belong',
    repair: "Let the producer choose the partition by murmur2, as Java's does (librdkafka: partitioner=murmur2_random)",
  },
  'future-event': {
    meaning: 'its event time lies further past its arrival than the policy allows',
    repair: 'Set the clock of the system that it comes from, and send it with the right time',
  },
  'not-json': {
    meaning: 'the line is not JSON',
    repair: 'Write one whole JSON object a line, without line breaks in it',
  },
  'invalid-event': {
    meaning: 'the line is JSON, and no event of a topic',
    repair: 'Write {"topic": ..., "event": {...}} with the fields of that topic',
  },
}

/** The reason in words; of a reason that this version does not know, that. */
export function adviceFor(reason: string): QuarantineAdvice {
  if (Object.hasOwn(ADVICE, reason)) return ADVICE[reason as QuarantineReason]
  return { meaning: `it was refused as ${reason}, which this version has no words for`, repair: 'Look the reason up in a newer version' }
}
