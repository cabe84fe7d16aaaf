import { RiskError, type Ledger, type RawTopic, type RecordedEntry } from '@riskledger/contracts'
import { validateLedgerJson, type LedgerJsonEvents, type LedgerJsonType } from '@riskledger/events'
import {
  CoveredOffsets,
  decodeInputsScreened,
  decodeRelationsLearned,
  emptyHead,
  loadArtifact,
  MalformedBytesError,
  openEntry,
  parseScreeningStream,
  partitionsStream,
  screeningStream,
  type ChainHead,
  type InputsScreenedView,
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
  /** Revision of the last entry that was read, whole or not. */
  lastRevision: number
  /** Set at the first fault: what follows hangs on it and is only counted. */
  broken: boolean
  generation: number
  nextSequence: number
  topics: readonly RawTopic[]
  nextOffsets: number[] | null
}

/** The farthest revision of a stream that an entry of another one goes by. */
interface Reference {
  readonly revision: number
  readonly by: { readonly stream: string; readonly revision: number }
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
 * Reads the whole ledger once: the hash chain of every stream, every sequence and offset without a hole, tenures that only rise, every journal and
 * the registry against each other, every entry that another stream goes by, the end of every stream as reading the stream itself gives it, and every
 * artifact that an entry refers to, whole under its hash.
 */
export async function verifyLedger(ledger: Ledger, options: VerifyOptions): Promise<Verification> {
  const verifier = new Verifier(ledger, options)
  await verifier.readStreams()
  await verifier.checkEnds()
  await verifier.checkArtifacts()
  return verifier.result()
}

class Verifier {
  private readonly streams = new Map<string, StreamState>()
  private readonly faults: Fault[] = []
  private readonly registered = new Map<string, string>()
  private readonly firstHashes = new Map<string, string>()
  /** By the stream that is gone by. */
  private readonly references = new Map<string, Reference>()
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
    this.checkRegistry()
    this.checkReferences()
  }

  private checkRegistry(): void {
    const { environment } = this.options
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
    const registry = partitionsStream(environment)
    if (this.streams.get(registry)?.broken === true) return
    for (const [stream, { lastRevision }] of this.streams) {
      // A journal is registered between its first entry and the second: a worker may have died there.
      if (parseScreeningStream(stream) === null || lastRevision === 0 || this.registered.has(stream)) continue
      this.fault(stream, -1, `the registry (${registry}) does not name this journal: entries of the registry were removed`)
    }
  }

  private checkReferences(): void {
    for (const [stream, { revision, by }] of this.references) {
      const last = this.streams.get(stream)?.lastRevision ?? -1
      if (revision <= last) continue
      const found = last < 0 ? 'the ledger has no entry of it: it was removed' : `it ends at @${last}: its end was cut off`
      this.fault(stream, -1, `${by.stream}@${by.revision} goes by ${stream}@${revision}, and ${found}`)
    }
  }

  /** Holds what the stream itself ends with against what `readAll` gave of it; a writer may have gone on meanwhile. */
  async checkEnds(): Promise<void> {
    for (const [stream, { lastRevision }] of this.streams) {
      try {
        const last = await this.readLastRevision(stream)
        if (last < lastRevision)
          this.fault(stream, -1, `reading the stream ends at @${last}, and reading the whole ledger gave @${lastRevision} of it`)
      } catch (error) {
        if (!(error instanceof RiskError) || error.code !== 'ledger-corrupt') throw error
        this.fault(stream, -1, error.message)
      }
    }
  }

  private async readLastRevision(stream: string): Promise<number> {
    try {
      for await (const { revision } of this.ledger.readStream(stream, { from: 'end', direction: 'backwards', maxCount: 1 })) return revision
    } catch (error) {
      if (!(error instanceof RiskError) || error.code !== 'stream-not-found') throw error
    }
    return -1
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
      state = {
        head: emptyHead(entry.stream),
        lastRevision: -1,
        broken: false,
        generation: 0,
        nextSequence: 1,
        topics: [],
        nextOffsets: null,
      }
      this.streams.set(entry.stream, state)
    }
    state.lastRevision = entry.revision
    if (state.broken) return
    const opened = openEntry(state.head, entry)
    if (opened.kind === 'faulty') {
      state.broken = true
      this.fault(entry.stream, entry.revision, opened.reason)
      return
    }
    state.head = opened.entry.head
    if (entry.revision === 0) this.firstHashes.set(entry.stream, opened.entry.head.entryHash)
    const reason = this.tryContent(opened.entry, state)
    if (reason === null) return
    state.broken = true
    this.fault(entry.stream, entry.revision, reason)
  }

  /** The same as `readContent`, also for content that is not what its type writes: who alters an entry can seal it again. */
  private tryContent(entry: OpenedEntry, state: StreamState): string | null {
    try {
      return this.readContent(entry, state)
    } catch (error) {
      if (!(error instanceof MalformedBytesError) && !(error instanceof SyntaxError)) throw error
      return `its content is no ${entry.type}: ${error.message}`
    }
  }

  /** Checks what an entry says against what came before; null where all is well. */
  private readContent(entry: OpenedEntry, state: StreamState): string | null {
    if (parseScreeningStream(entry.stream) !== null) this.refer(entry.metadata.engineHash, entry)
    switch (entry.type) {
      case 'SegmentOpened': {
        const { topics, nextOffsets } = readJson('SegmentOpened', entry)
        state.topics = topics as readonly RawTopic[]
        state.nextOffsets = [...nextOffsets]
        return null
      }
      case 'TenureBegan': {
        const { generation } = readJson('TenureBegan', entry)
        if (generation !== state.generation + 1) return `tenure ${generation} follows tenure ${state.generation}`
        state.generation = generation
        return null
      }
      case 'StateAttested': {
        const { generation } = readJson('StateAttested', entry)
        return generation === state.generation ? null : `it attests the state of tenure ${generation} in tenure ${state.generation}`
      }
      case 'PolicyRequested':
      case 'PolicyActivated': {
        this.refer(readJson(entry.type, entry).policyHash, entry)
        return null
      }
      case 'JournalRegistered': {
        const { stream, entryHash } = readJson('JournalRegistered', entry)
        this.registered.set(stream, entryHash)
        return null
      }
      case 'InputsScreened':
        return this.readInputs(entry, state)
      case 'RelationsLearned': {
        for (const { stream, revision } of decodeRelationsLearned(entry.data).consumed) this.goBy(stream, revision, entry)
        return null
      }
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
    const { count, misplaced, complete } = readOffsets(batch)
    if (covered !== count + skipped) return `it covers ${covered} offsets and holds ${count} inputs and ${skipped} in gaps`
    if (misplaced !== null) return misplaced
    if (!complete) return 'its inputs and gaps are not, offset by offset, what its positions cover'
    // A drawn challenge is taken from no stream.
    for (const { sourceStream, sourceRevision } of batch.facts) if (sourceStream !== '') this.goBy(sourceStream, sourceRevision, entry)
    for (const position of batch.positions) state.nextOffsets[position.topic] = position.toOffset
    state.nextSequence += count
    this.inputs += count
    this.options.onInputs?.(this.inputs)
    return null
  }

  private goBy(stream: string, revision: number, { stream: byStream, revision: byRevision }: OpenedEntry): void {
    if (revision <= (this.references.get(stream)?.revision ?? -1)) return
    this.references.set(stream, { revision, by: { stream: byStream, revision: byRevision } })
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

/** Counts a batch's inputs and tells the first whose offset is not the next that the batch covers, and whether all that it covers is told. */
function readOffsets(batch: InputsScreenedView): { readonly count: number; readonly misplaced: string | null; readonly complete: boolean } {
  const offsets = new CoveredOffsets(batch)
  let misplaced: string | null = null
  const count = batch.forEachInput(({ topic, offset }, index) => {
    const next = offsets.take(topic)
    if (misplaced !== null || offset === next) return
    const sequence = batch.firstSequence + index
    misplaced = `input ${sequence} stands at offset ${offset} of topic ${topic}; ${next ?? 'no further one'} comes next there`
  })
  return { count, misplaced, complete: offsets.complete() }
}

/** Throws `SyntaxError` where it is no JSON, `MalformedBytesError` where it is not what its schema allows. */
function readJson<Type extends LedgerJsonType>(type: Type, entry: OpenedEntry): LedgerJsonEvents[Type] {
  const checked = validateLedgerJson(type, JSON.parse(Buffer.from(entry.data).toString('utf8')))
  if (checked.kind === 'accepted') return checked.event
  throw new MalformedBytesError(checked.problems.map(({ message }) => message).join('; '))
}
