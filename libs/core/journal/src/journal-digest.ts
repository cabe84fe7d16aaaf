import { createHash, hash as hashAtOnce, type Hash } from 'node:crypto'
import { AvroWriter } from './avro-bytes'
import { FACT_KINDS, type JournaledFact } from './inputs-screened'
import { STATUSES, VERDICTS, type JournaledInput } from './journaled-input'

/**
 * Digest of what a partition's journal decided, whatever its batches, tenures and clocks were: SHA-256 over, for every input in order,
 * sequence, topic, offset, SHA-256 of the body, status, verdict, score, and the facts listed with it (kind, key, value), in Avro's
 * binary primitives. Two journals with the same digest took the same inputs in the same order and decided the same.
 */
export class JournalDigest {
  private readonly hash: Hash = createHash('sha256')
  private readonly writer = new AvroWriter(65_536)

  /** Adds one input; `facts` are those that the journal lists under its sequence, in the journal's order. */
  add(sequence: number, input: JournaledInput, facts: readonly JournaledFact[]): void {
    const writer = this.writer
    writer.long(sequence)
    writer.long(input.topic)
    writer.long(input.offset)
    const { body } = input
    if (body === null) writer.fixed(input.bodySha256!)
    else writer.fixedLatin1(hashAtOnce('sha256', body, 'binary'))
    writer.byte(STATUSES.indexOf(input.status))
    writer.byte(input.verdict === null ? 255 : VERDICTS.indexOf(input.verdict))
    writer.long(input.scorePoints)
    writer.long(facts.length)
    for (const fact of facts) {
      writer.byte(FACT_KINDS.indexOf(fact.kind))
      writer.string(fact.keyToken)
      writer.bytes(fact.value)
    }
    if (writer.position > 60_000) this.flush()
  }

  /** Ends the digest: SHA-256 in hex. */
  finish(): string {
    this.flush()
    return this.hash.digest('hex')
  }

  private flush(): void {
    this.hash.update(this.writer.view())
    this.writer.reset()
  }
}

/** The digest of several partitions: SHA-256 over their digests in order of partition; of one, its own digest. */
export function combineDigests(digests: readonly string[]): string {
  if (digests.length === 1) return digests[0]
  const hash = createHash('sha256')
  for (const digest of digests) hash.update(Buffer.from(digest, 'hex'))
  return hash.digest('hex')
}
