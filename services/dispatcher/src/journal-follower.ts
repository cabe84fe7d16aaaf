import { setImmediate } from 'node:timers/promises'
import { RiskError, type Ledger, type RawTopic, type RecordedEntry, type SubscriptionMessage } from '@riskledger/contracts'
import { decodeInputsScreened, openEntry, type ChainHead, type InputsScreenedView, type OpenedEntry } from '@riskledger/journal'

/** A pull takes no further entry once it has this many inputs, or entries of this many bytes. */
const PULL_INPUTS = 2_000
const PULL_BYTES = 1024 * 1024

/** What a verdict message needs of a decision. */
export interface DecisionOutline {
  readonly decisionId: string
  readonly sequence: number
  readonly reasonCodes: readonly string[]
}

/** One append of the journal, as far as it is published: its inputs and the decisions that followed them. */
export interface ScreenedBatch {
  readonly entry: OpenedEntry
  readonly topics: readonly RawTopic[]
  readonly view: InputsScreenedView
  readonly decisions: readonly DecisionOutline[]
}

/** What one pull gives. */
export interface PulledBatches {
  readonly batches: readonly ScreenedBatch[]
  /** Everything up to this entry is in `batches`, was given before, or holds nothing to publish. */
  readonly throughRevision: number
}

/** Where to begin. */
export interface FollowerStart {
  readonly head: ChainHead
  /** Null where the journal is followed from its first entry, which tells them. */
  readonly topics: readonly RawTopic[] | null
}

interface OpenBatch {
  readonly entry: OpenedEntry
  readonly view: InputsScreenedView
  readonly awaited: number
  readonly decisions: DecisionOutline[]
}

/**
 * Follows one journal with a catch-up subscription and puts each batch together with its decisions. Every entry is checked against the one before
 * it: what does not hang together is not published. Reads no further than it is pulled, so that a slow publisher holds the ledger's stream back.
 */
export class JournalFollower {
  private head: ChainHead
  private topics: readonly RawTopic[] | null
  private open: OpenBatch | null = null
  private ready: ScreenedBatch[] = []
  private gathered = { inputs: 0, bytes: 0 }
  private throughRevision: number
  private toldRevision: number
  private failure: Error | null = null
  private iterator: AsyncIterator<SubscriptionMessage> | null = null
  private pending: Promise<IteratorResult<SubscriptionMessage>> | null = null

  constructor(
    private readonly ledger: Ledger,
    start: FollowerStart,
  ) {
    this.head = start.head
    this.throughRevision = start.head.revision
    this.toldRevision = start.head.revision
    this.topics = start.topics
  }

  /**
   * What has arrived, as soon as it is at least one whole append, up to 2,000 inputs or 1 MiB and one entry more; without batches where nothing of it
   * is to be published. Undefined once `signal` has aborted. After a retriable error it goes on behind the last entry taken. Says `onAnswer` whenever
   * the ledger tells something, also that there is no more for now. Throws `ledger-corrupt` at an entry that is not whole or not in its place.
   */
  async pull(signal: AbortSignal, onAnswer: () => void = () => undefined): Promise<PulledBatches | undefined> {
    try {
      await this.gather(signal, onAnswer)
    } catch (error) {
      await this.close()
      this.iterator = null
      this.pending = null
      // What was gathered before goes first; the error comes with the next pull.
      if (!this.hasNews) throw error
      this.failure = error as Error
    }
    if (!this.hasNews) return undefined
    const { ready: batches, throughRevision } = this
    this.ready = []
    this.gathered = { inputs: 0, bytes: 0 }
    this.toldRevision = throughRevision
    return { batches, throughRevision }
  }

  private get hasNews(): boolean {
    return this.throughRevision > this.toldRevision
  }

  /** Ends the subscription; call it once, when nothing is pulled any more and the signal of the last pull has aborted. */
  async close(): Promise<void> {
    await this.iterator?.return?.()
  }

  private async gather(signal: AbortSignal, onAnswer: () => void): Promise<void> {
    if (this.failure !== null) {
      const { failure } = this
      this.failure = null
      throw failure
    }
    // Past its limits too where it has nothing whole yet: the decisions of a large batch come behind it.
    while (!this.hasNews || (this.gathered.inputs < PULL_INPUTS && this.gathered.bytes < PULL_BYTES)) {
      const message = await this.next(signal)
      if (message === null) return
      onAnswer()
      if (message.kind === 'entry') this.take(message.entry)
    }
  }

  /** The next message; null at the end, and where waiting would hold up what is ready. */
  private async next(signal: AbortSignal): Promise<SubscriptionMessage | null> {
    const { stream, revision } = this.head
    this.iterator ??= this.ledger.subscribeToStream(stream, { after: revision < 0 ? 'start' : revision, signal })[Symbol.asyncIterator]()
    if (this.pending === null) {
      this.pending = this.iterator.next()
      this.pending.catch(() => undefined) // awaited below, or by the next pull
    }
    if (this.hasNews) {
      const arrived = this.pending.then(
        () => true,
        () => true,
      )
      if (!(await Promise.race([arrived, setImmediate(false)]))) return null
    }
    const result = await this.pending
    this.pending = null
    return result.done === true ? null : result.value
  }

  private take(recorded: RecordedEntry): void {
    const opened = openEntry(this.head, recorded)
    if (opened.kind === 'faulty') throw corrupt(recorded, opened.reason)
    const { entry } = opened
    this.head = entry.head
    if (this.open !== null && entry.type !== 'DecisionMade') {
      throw corrupt(recorded, `${this.open.awaited - this.open.decisions.length} decisions of the batch before it are missing`)
    }
    switch (entry.type) {
      case 'SegmentOpened':
        this.topics = (readJson(entry) as { topics: RawTopic[] }).topics
        break
      case 'InputsScreened':
        this.begin(entry, recorded)
        break
      case 'DecisionMade':
        this.addDecision(entry, recorded)
        break
      default:
    }
    if (this.open === null) this.throughRevision = entry.revision
  }

  private begin(entry: OpenedEntry, recorded: RecordedEntry): void {
    if (this.topics === null) throw corrupt(recorded, 'no SegmentOpened came before it')
    const view = decodeInputsScreened(entry.data)
    let awaited = 0
    const inputs = view.forEachInput(({ verdict }) => {
      if (verdict !== null && verdict !== 'allow') awaited++
    })
    this.gathered.inputs += inputs
    this.gathered.bytes += entry.data.length
    if (inputs === 0) return
    this.open = { entry, view, awaited, decisions: [] }
    this.closeIfWhole()
  }

  private addDecision(entry: OpenedEntry, recorded: RecordedEntry): void {
    if (this.open === null) throw corrupt(recorded, 'no input before it was decided so')
    const { decisionId, sequence, reasonCodes } = readJson(entry) as DecisionOutline
    this.open.decisions.push({ decisionId, sequence, reasonCodes })
    this.closeIfWhole()
  }

  private closeIfWhole(): void {
    const { open, topics } = this
    if (open === null || topics === null || open.decisions.length < open.awaited) return
    this.ready.push({ entry: open.entry, topics, view: open.view, decisions: open.decisions })
    this.open = null
  }
}

function readJson(entry: OpenedEntry): unknown {
  return JSON.parse(Buffer.from(entry.data).toString('utf8'))
}

function corrupt({ stream, revision }: RecordedEntry, reason: string): RiskError {
  return new RiskError('ledger-corrupt', `${stream}@${revision}: ${reason}. Nothing from there on is published. Run riskledger verify.`, {
    retriable: false,
    context: { stream, revision },
  })
}
