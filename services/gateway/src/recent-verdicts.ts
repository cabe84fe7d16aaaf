import type { InputStatus, RawTopic, Verdict } from '@riskledger/contracts'

/** What the journal says of an event of a screened topic. */
export interface Outcome {
  readonly topic: RawTopic
  readonly partition: number
  /** In its partition's journal. */
  readonly sequence: number
  readonly status: InputStatus
  /** Null for what was not screened: late or quarantined. */
  readonly verdict: Verdict | null
  readonly scorePoints: number
  /** Null where nothing stands behind the verdict but `allow`. */
  readonly decisionId: string | null
  readonly reasonCodes: readonly string[]
  /** Why it was quarantined. */
  readonly reason: string | null
  readonly lateByMs: number | null
}

/** What is remembered of an event: its outcome, and the SHA-256 of the bytes that had it. */
export interface RecentOutcome {
  readonly outcome: Outcome
  readonly digest: Uint8Array
}

const DIGEST_BYTES = 32
const NO_VERDICT = 255
const STATUSES: readonly InputStatus[] = ['screened', 'observed', 'late', 'duplicate', 'conflicting', 'quarantined']
const VERDICTS: readonly Verdict[] = ['allow', 'challenge', 'hold', 'block']
const NOTHING_SAID: Said = { decisionId: null, reasonCodes: [], reason: null, lateByMs: null }

/** What few rows have. */
type Said = Pick<Outcome, 'decisionId' | 'reasonCodes' | 'reason' | 'lateByMs'>

/**
 * The newest outcomes by event id, at most `capacity`; the oldest makes room. Rows are columns of numbers, and only what is not simply allowed
 * has an object beside its row. Keys are the event id's 16 bytes as a Latin-1 text: strangers choose them, and the engine hashes texts with a seed
 * of its own.
 */
export class RecentVerdicts {
  private readonly rows = new Map<string, number>()
  private readonly said = new Map<number, Said>()
  private readonly keys: string[] = []
  private readonly digests: Uint8Array
  private readonly sequences: Float64Array
  private readonly partitions: Uint16Array
  private readonly topics: Uint8Array
  private readonly statuses: Uint8Array
  private readonly verdicts: Uint8Array
  private readonly scores: Uint16Array
  private next = 0

  constructor(
    private readonly capacity: number,
    private readonly topicNames: readonly RawTopic[],
  ) {
    this.digests = new Uint8Array(capacity * DIGEST_BYTES)
    this.sequences = new Float64Array(capacity)
    this.partitions = new Uint16Array(capacity)
    this.topics = new Uint8Array(capacity)
    this.statuses = new Uint8Array(capacity)
    this.verdicts = new Uint8Array(capacity)
    this.scores = new Uint16Array(capacity)
  }

  get size(): number {
    return this.rows.size
  }

  /** Remembers what became of an event; of one that is known already, only if that one was refused: the first verdict stands. */
  put(key: string, { outcome, digest }: RecentOutcome): void {
    const known = this.rows.get(key)
    if (known !== undefined && STATUSES[this.statuses[known]] !== 'quarantined') return
    const row = known ?? this.freeRow(key)
    this.digests.set(digest, row * DIGEST_BYTES)
    this.sequences[row] = outcome.sequence
    this.partitions[row] = outcome.partition
    this.topics[row] = this.topicNames.indexOf(outcome.topic)
    this.statuses[row] = STATUSES.indexOf(outcome.status)
    this.verdicts[row] = outcome.verdict === null ? NO_VERDICT : VERDICTS.indexOf(outcome.verdict)
    this.scores[row] = outcome.scorePoints
    const { decisionId, reasonCodes, reason, lateByMs } = outcome
    if (decisionId === null && reasonCodes.length === 0 && reason === null && lateByMs === null) this.said.delete(row)
    else this.said.set(row, { decisionId, reasonCodes, reason, lateByMs })
  }

  /** What is remembered of the event, or undefined. The digest is a view, until the next `put`. */
  get(key: string): RecentOutcome | undefined {
    const row = this.rows.get(key)
    if (row === undefined) return undefined
    const verdict = this.verdicts[row]
    return {
      digest: this.digests.subarray(row * DIGEST_BYTES, (row + 1) * DIGEST_BYTES),
      outcome: {
        topic: this.topicNames[this.topics[row]],
        partition: this.partitions[row],
        sequence: this.sequences[row],
        status: STATUSES[this.statuses[row]],
        verdict: verdict === NO_VERDICT ? null : VERDICTS[verdict],
        scorePoints: this.scores[row],
        ...(this.said.get(row) ?? NOTHING_SAID),
      },
    }
  }

  private freeRow(key: string): number {
    const row = this.next
    this.next = (row + 1) % this.capacity
    const oldest = this.keys[row] as string | undefined
    if (oldest !== undefined) this.rows.delete(oldest)
    this.keys[row] = key
    this.rows.set(key, row)
    return row
  }
}

/** The key of an event id's 16 bytes, which stand at `at`. */
export function eventKey(bytes: Uint8Array, at: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, 16).toString('latin1')
}
