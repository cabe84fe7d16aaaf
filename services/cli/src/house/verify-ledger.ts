import { RiskError, type Ledger, type RawTopic, type RecordedEntry } from '@riskledger/contracts'
import {
  decodeInputsScreened,
  emptyHead,
  loadArtifact,
  openEntry,
  parseScreeningStream,
  screeningStream,
  type ChainHead,
  type OpenedEntry,
} from '@riskledger/journal'

/** Something that is not as it was written. */
export interface Fault {
  /** `log` where the log is at fault. */
  readonly stream: string
  /** -1 where the stream as a whole is at fault. */
  readonly revision: number
  readonly reason: string
}

/** Where a partition's journal stands. */
export interface JournalEnd {
  readonly partition: number
  readonly stream: string
  readonly revision: number
  /** Next offset to read of each topic. */
  readonly nextOffsets: Readonly<Partial<Record<RawTopic, number>>>
}

/** What a verification found. */
export interface Verification {
  readonly streams: number
  readonly entries: number
  readonly inputs: number
  readonly faults: readonly Fault[]
  /** One for each partition whose journal has no fault. */
  readonly journals: readonly JournalEnd[]
}

interface StreamState {
  head: ChainHead
  /** Set at the first fault: what follows hangs on it and is only counted. */
  broken: boolean
  generation: number
  nextSequence: number
  topics: readonly RawTopic[]
  nextOffsets: number[] | null
}

/** At most so many faults are listed. */
const MAX_FAULTS = 1_000

/** What a verification goes by. */
export interface VerifyOptions {
  readonly environment: string
  /** Records that the log holds of each partition, so that a ledger that has vanished shows; left out: not compared. */
  readonly records?: readonly number[]
  readonly onInputs?: (inputs: number) => void
  /** All entries of these streams in the order of `readAll`, where somebody else reads them ahead; left out: read here. */
  readonly entriesOf?: (streamPrefixes: readonly string[]) => AsyncIterable<RecordedEntry>
}

/**
 * Reads the whole ledger once: the hash chain of every stream, every sequence and offset without a hole, tenures that only rise, every journal that
 * the registry names, and every artifact that an entry refers to, whole under its hash.
 */
export async function verifyLedger(ledger: Ledger, options: VerifyOptions): Promise<Verification> {
  const verifier = new Verifier(ledger, options)
  await verifier.readStreams()
  await verifier.checkArtifacts()
  return verifier.result()
}

class Verifier {
  private readonly streams = new Map<string, StreamState>()
  private readonly faults: Fault[] = []
  private readonly registered = new Map<string, string>()
  private readonly firstHashes = new Map<string, string>()
  /** Artifacts by hash, with the first entry that refers to each. */
  private readonly artifacts = new Map<string, { readonly stream: string; readonly revision: number }>()
  private readonly artifactStreams = new Set<string>()
  private entries = 0
  private inputs = 0

  constructor(
    private readonly ledger: Ledger,
    private readonly options: VerifyOptions,
  ) {}

  async readStreams(): Promise<void> {
    const { environment, entriesOf = (streamPrefixes) => this.ledger.readAll({ streamPrefixes }) } = this.options
    const prefixes = ['screening-', 'relations-', 'partitions', 'policies', 'artifact-'].map((prefix) => environment + prefix)
    try {
      for await (const entry of entriesOf(prefixes)) this.read(entry)
    } catch (error) {
      if (!(error instanceof RiskError) || error.code !== 'ledger-corrupt') throw error
      const { stream, revision } = error.context
      this.fault(typeof stream === 'string' ? stream : '$all', typeof revision === 'number' ? revision : -1, error.message)
    }
    for (const [stream, hash] of this.registered) {
      if (!this.firstHashes.has(stream))
        this.fault(stream, -1, 'the registry names this journal, and the ledger has no entry of it: it was removed')
      else if (this.firstHashes.get(stream) !== hash)
        this.fault(stream, 0, 'its first entry is not the one that the registry names: the journal was replaced')
    }
    for (const [partition, records] of (this.options.records ?? []).entries()) {
      const stream = screeningStream(partition, 0, environment)
      if (records === 0 || this.firstHashes.has(stream) || this.registered.has(stream)) continue
      this.fault(
        stream,
        -1,
        `the log holds ${records} records of this partition and the ledger knows nothing of them: its journal is gone, or nothing was screened yet`,
      )
    }
  }

  async checkArtifacts(): Promise<void> {
    for (const [hash, at] of this.artifacts) await this.checkArtifact(hash, at)
    for (const stream of this.artifactStreams) {
      const hash = stream.slice(stream.lastIndexOf('-') + 1)
      if (!this.artifacts.has(hash)) await this.checkArtifact(hash, { stream, revision: 0 })
    }
  }

  result(): Verification {
    return {
      streams: this.streams.size + this.artifactStreams.size,
      entries: this.entries,
      inputs: this.inputs,
      faults: this.faults,
      journals: this.journals(),
    }
  }

  /** Of each partition the last segment, which is where it goes on. */
  private journals(): readonly JournalEnd[] {
    const ends = new Map<number, JournalEnd & { readonly segment: number }>()
    for (const [stream, { head, broken, topics, nextOffsets }] of this.streams) {
      const place = parseScreeningStream(stream)
      if (place === null || broken || nextOffsets === null) continue
      const { partition, segment } = place
      if ((ends.get(partition)?.segment ?? -1) > segment) continue
      const byTopic = Object.fromEntries(topics.map((topic, at) => [topic, nextOffsets[at]]))
      ends.set(partition, { partition, segment, stream, revision: head.revision, nextOffsets: byTopic })
    }
    return [...ends.values()]
  }

  private read(entry: RecordedEntry): void {
    this.entries++
    if (entry.stream.startsWith(`${this.options.environment}artifact-`)) {
      this.artifactStreams.add(entry.stream)
      return
    }
    let state = this.streams.get(entry.stream)
    if (state === undefined) {
      state = { head: emptyHead(entry.stream), broken: false, generation: 0, nextSequence: 1, topics: [], nextOffsets: null }
      this.streams.set(entry.stream, state)
    }
    if (state.broken) return
    const opened = openEntry(state.head, entry)
    if (opened.kind === 'faulty') {
      state.broken = true
      this.fault(entry.stream, entry.revision, opened.reason)
      return
    }
    state.head = opened.entry.head
    if (entry.revision === 0) this.firstHashes.set(entry.stream, opened.entry.head.entryHash)
    const reason = this.readContent(opened.entry, state)
    if (reason === null) return
    state.broken = true
    this.fault(entry.stream, entry.revision, reason)
  }

  /** Checks what an entry says against what came before; null where all is well. */
  private readContent(entry: OpenedEntry, state: StreamState): string | null {
    if (parseScreeningStream(entry.stream) !== null) this.refer(entry.metadata.engineHash, entry)
    switch (entry.type) {
      case 'SegmentOpened': {
        const { topics, nextOffsets } = readJson(entry) as { topics: RawTopic[]; nextOffsets: number[] }
        state.topics = topics
        state.nextOffsets = [...nextOffsets]
        return null
      }
      case 'TenureBegan': {
        const { generation } = readJson(entry) as { generation: number }
        if (generation !== state.generation + 1) return `tenure ${generation} follows tenure ${state.generation}`
        state.generation = generation
        return null
      }
      case 'StateAttested': {
        const { generation } = readJson(entry) as { generation: number }
        return generation === state.generation ? null : `it attests the state of tenure ${generation} in tenure ${state.generation}`
      }
      case 'PolicyRequested':
      case 'PolicyActivated': {
        this.refer((readJson(entry) as { policyHash: string }).policyHash, entry)
        return null
      }
      case 'JournalRegistered': {
        const { stream, entryHash } = readJson(entry) as { stream: string; entryHash: string }
        this.registered.set(stream, entryHash)
        return null
      }
      case 'InputsScreened':
        return this.readInputs(entry, state)
      default:
        return null
    }
  }

  private readInputs(entry: OpenedEntry, state: StreamState): string | null {
    if (state.nextOffsets === null) return 'inputs come before SegmentOpened'
    if (state.generation === 0) return 'inputs come before any tenure'
    const batch = decodeInputsScreened(entry.data)
    if (batch.firstSequence !== state.nextSequence) return `its first sequence is ${batch.firstSequence}; ${state.nextSequence} comes next`
    for (const position of batch.positions) {
      const next = state.nextOffsets[position.topic]
      if (position.fromOffset !== next) return `topic ${position.topic} goes on at offset ${position.fromOffset}; ${next} comes next`
    }
    const skipped = batch.gaps.reduce((sum, gap) => sum + gap.toOffset - gap.fromOffset, 0)
    const covered = batch.positions.reduce((sum, position) => sum + position.toOffset - position.fromOffset, 0)
    const count = batch.forEachInput(() => undefined)
    if (covered !== count + skipped) return `it covers ${covered} offsets and holds ${count} inputs and ${skipped} in gaps`
    for (const position of batch.positions) state.nextOffsets[position.topic] = position.toOffset
    state.nextSequence += count
    this.inputs += count
    this.options.onInputs?.(this.inputs)
    return null
  }

  private refer(hash: string, entry: OpenedEntry): void {
    if (!this.artifacts.has(hash)) this.artifacts.set(hash, { stream: entry.stream, revision: entry.revision })
  }

  private async checkArtifact(hash: string, at: { readonly stream: string; readonly revision: number }): Promise<void> {
    try {
      await loadArtifact(this.ledger, hash, this.options.environment)
    } catch (error) {
      if (!(error instanceof RiskError)) throw error
      const reason = error.code === 'stream-not-found' ? `artifact ${hash}, to which it refers, is missing` : error.message
      this.fault(at.stream, at.revision, reason)
    }
  }

  private fault(stream: string, revision: number, reason: string): void {
    if (this.faults.length < MAX_FAULTS) this.faults.push({ stream, revision, reason })
  }
}

function readJson(entry: OpenedEntry): unknown {
  return JSON.parse(Buffer.from(entry.data).toString('utf8'))
}
