import { partitionFor, RiskError, type Ledger } from '@riskledger/contracts'
import {
  decodeRelationsLearned,
  deflateEntry,
  emptyHead,
  encodeRelationsLearned,
  readEntry,
  relationsStream,
  sealEntry,
  ZERO_HASH,
  type ChainHead,
  type LearnedFact,
} from '@riskledger/journal'
import { withRetry, type LoopTimers } from '@riskledger/runtime'

/** Facts in one entry at most, and bytes of them before they are deflated; more are split over several. */
const MAX_FACTS = 8_192
const MAX_FACT_BYTES = 512 * 1024

/** Moments at which a test may kill the process. */
export type RelationsCrashPoint = 'relations-append-sending' | 'relations-append-acknowledged' | 'relations-snapshot-written'

interface Target {
  head: ChainHead
  /** What the stream held when this writer took over: it is learned again on the way and not written twice. */
  readonly throughEpochBefore: number
  /** Last epoch that the stream tells as complete by now. */
  toldThrough: number
  readonly consumedBefore: ReadonlyMap<string, number>
  /** Facts at the stream's end that belong to a write which was not finished: the first write to come begins with them. */
  unfinishedFacts: number
}

/** What a relations stream tells up to one of its entries. */
export interface LearnedTail {
  readonly head: ChainHead
  readonly throughEpoch: number
  /** By journal the last revision that was told as consumed before the writer was opened. */
  readonly consumed: Readonly<Record<string, number>>
  /** Facts at its end that belong to a write which was not finished. */
  readonly unfinishedFacts: number
}

/** What a writer is opened with. */
export interface LearnedWriterOptions {
  readonly partitionCount: number
  readonly environment: string
  readonly engineHash: string
  readonly crashPoint?: (name: RelationsCrashPoint) => void
  /** By partition: how far its stream is known already, so that only what lies behind is read. Default: from its start. */
  readonly tails?: readonly LearnedTail[] | undefined
  /** Ends the waiting between two tries. */
  readonly signal?: AbortSignal
  /** How it waits there; default: as the process does. */
  readonly sleep?: LoopTimers['sleep'] | undefined
}

/** A journal entry whose inputs were folded. */
export interface Consumed {
  readonly stream: string
  readonly revision: number
}

/** Writes what relations learned to `relations-<ppp>`, by the key's partition, each stream a hash chain with exact expected revisions. */
export class LearnedWriter {
  private constructor(
    private readonly ledger: Ledger,
    private readonly options: LearnedWriterOptions,
    private readonly targets: Target[],
  ) {}

  static async open(ledger: Ledger, options: LearnedWriterOptions): Promise<LearnedWriter> {
    const targets: Target[] = []
    for (let partition = 0; partition < options.partitionCount; partition++) {
      const tail = options.tails?.[partition] ?? beginningOf(relationsStream(partition, options.environment))
      targets.push(await tried(() => readTarget(ledger, tail), options))
    }
    return new LearnedWriter(ledger, options, targets)
  }

  /** Appends what is new to each stream; a stream whose entries tell it already is left alone. Rejects with `fenced` where another writer is at work, `limit-reached` where the ledger stays away. */
  async write(learned: {
    readonly throughEpoch: number
    readonly consumed: Consumed
    readonly facts: readonly LearnedFact[]
  }): Promise<void> {
    const { throughEpoch, consumed } = learned
    const byPartition: LearnedFact[][] = this.targets.map(() => [])
    for (const fact of learned.facts) byPartition[this.partitionOf(fact.keyToken)].push(fact)
    for (const [index, target] of this.targets.entries()) {
      const known = (target.consumedBefore.get(consumed.stream) ?? -1) >= consumed.revision
      const facts = byPartition[index].filter((fact) => (fact.epoch === -1 ? !known : fact.epoch > target.throughEpochBefore))
      if (facts.length === 0 && throughEpoch <= target.toldThrough) continue
      const written = target.unfinishedFacts
      target.unfinishedFacts = 0
      await this.append(target, { throughEpoch, consumed, facts: facts.slice(written) })
      target.toldThrough = Math.max(target.toldThrough, throughEpoch)
    }
  }

  /** How far each stream is by now, in the order of partitions; between two writes. */
  tails(): readonly LearnedTail[] {
    return this.targets.map(({ head, toldThrough, consumedBefore, unfinishedFacts }) => ({
      head,
      throughEpoch: toldThrough,
      consumed: Object.fromEntries(consumedBefore),
      unfinishedFacts,
    }))
  }

  private partitionOf(keyToken: string): number {
    return this.targets.length === 1 ? 0 : partitionFor(Buffer.from(keyToken), this.targets.length)
  }

  private async append(
    target: Target,
    learned: { readonly throughEpoch: number; readonly consumed: Consumed; readonly facts: readonly LearnedFact[] },
  ): Promise<void> {
    const parts = partsOf(learned.facts)
    for (const [index, facts] of parts.entries()) {
      const last = index === parts.length - 1
      // Only the last part says what is complete with it: after a crash in between, half of it must not count as all of it.
      const data = encodeRelationsLearned(
        last ? { throughEpoch: learned.throughEpoch, consumed: [learned.consumed], facts } : { throughEpoch: -1, consumed: [], facts },
      )
      const sealed = sealEntry(target.head, {
        type: 'RelationsLearned',
        contentType: 'binary',
        data,
        deflated: deflateEntry(data),
        metadata: { engineHash: this.options.engineHash, policyHash: ZERO_HASH },
      })
      this.options.crashPoint?.('relations-append-sending')
      await this.appendExactly(target.head, sealed.proposed)
      this.options.crashPoint?.('relations-append-acknowledged')
      target.head = sealed.head
    }
  }

  /** The same bytes and ids each time; a ledger that is started again refuses at once for as long as that takes. */
  private async appendExactly(head: ChainHead, entry: Parameters<Ledger['append']>[2][number]): Promise<void> {
    try {
      await tried(() => this.ledger.append(head.stream, head.revision < 0 ? 'no-stream' : head.revision, [entry]), this.options)
    } catch (error) {
      if (!(error instanceof RiskError) || error.code !== 'wrong-expected-revision') throw error
      throw new RiskError('fenced', `${head.stream}@${head.revision + 1} was written by other relations: these stop.`, {
        retriable: false,
        cause: error,
      })
    }
  }
}

function tried<T>(call: () => Promise<T>, { signal, sleep }: Pick<LearnedWriterOptions, 'signal' | 'sleep'>): Promise<T> {
  return withRetry(call, { name: 'relations', signal, sleep })
}

/** The facts in parts that fit into an entry each; of none, one part without any. */
function partsOf(facts: readonly LearnedFact[]): readonly (readonly LearnedFact[])[] {
  const parts: LearnedFact[][] = [[]]
  let bytes = 0
  for (const fact of facts) {
    if (bytes >= MAX_FACT_BYTES || parts[parts.length - 1].length === MAX_FACTS) {
      parts.push([])
      bytes = 0
    }
    parts[parts.length - 1].push(fact)
    bytes += Buffer.byteLength(fact.keyToken) + fact.value.length + 16
  }
  return parts
}

function beginningOf(stream: string): LearnedTail {
  return { head: emptyHead(stream), throughEpoch: -1, consumed: {}, unfinishedFacts: 0 }
}

/** What a stream tells, of which what it told up to `tail` is known. */
async function readTarget(ledger: Ledger, tail: LearnedTail): Promise<Target> {
  const { stream } = tail.head
  const consumedBefore = new Map(Object.entries(tail.consumed))
  let { head, throughEpoch: throughEpochBefore, unfinishedFacts } = tail
  try {
    for await (const entry of ledger.readStream(stream, { from: head.revision < 0 ? 'start' : head.revision + 1, direction: 'forwards' })) {
      const { data, metadata } = readEntry(entry)
      const learned = decodeRelationsLearned(data)
      for (const { stream: consumed, revision } of learned.consumed)
        consumedBefore.set(consumed, Math.max(revision, consumedBefore.get(consumed) ?? -1))
      unfinishedFacts = learned.consumed.length === 0 ? unfinishedFacts + learned.facts.length : 0
      throughEpochBefore = Math.max(throughEpochBefore, learned.throughEpoch)
      head = { stream, revision: entry.revision, entryHash: metadata.entryHash }
    }
  } catch (error) {
    if (!(error instanceof RiskError) || error.code !== 'stream-not-found') throw error
  }
  return { head, throughEpochBefore, toldThrough: throughEpochBefore, consumedBefore, unfinishedFacts }
}
