import assert from 'node:assert'
import type { Ledger, ReadStreamOptions, RecordedEntry } from '@riskledger/contracts'
import { decodeInputsScreened, readEntry, readMetadata, type InputsScreenedView } from '@riskledger/journal'
import { corrupt, reading } from './journal-reader'

/** Entries of a read, and of one that follows where it brought no batch: a large batch has hundreds of decisions behind it. */
const FIRST_READ_ENTRIES = 8
const MOST_READ_ENTRIES = 128
/** Guesses by proportion; after these the middle is taken, so that a journal that grew unevenly costs halves at most. */
const MAX_GUESSES = 6
/** Places of batches that are remembered. */
const MAX_PLACES = 4_096
/** Batches that are kept inflated: the retries of a moment come of the same few. */
const MAX_KEPT = 8

/** A batch of inputs as it lies in its journal. */
export interface FoundBatch {
  readonly recorded: RecordedEntry
  readonly inputs: InputsScreenedView
}

/** Where a batch lies, and which inputs it holds; one of a tick alone has a `lastSequence` below its `firstSequence`. */
interface Place {
  readonly revision: number
  readonly firstSequence: number
  readonly lastSequence: number
}

/** Stands before the first batch. */
const BEFORE_ALL: Place = { revision: -1, firstSequence: 0, lastSequence: 0 }

/**
 * Finds the batch that holds a sequence in one partition's journal. Sequences grow almost evenly with revisions, so a guess by proportion comes close: a few
 * reads of eight entries find a batch among a million, fewer where searches before it have seen places near by, none where it was found a moment ago.
 * Any number of searches may be under way. Every read is taken to its end: one that is left early resets its stream, and a burst of those
 * ends the connection. Throws `ledger-corrupt` and `ledger-unavailable`; `stream-not-found` where there is no journal.
 */
export class BatchFinder {
  /** In order of revision, and so of sequence. */
  private places: Place[] = []
  /** By revision, in order of use. */
  private readonly kept = new Map<number, Promise<FoundBatch>>()

  constructor(
    private readonly ledger: Ledger,
    private readonly stream: string,
  ) {}

  /** The batch that holds this sequence, or null where the journal has none. */
  async find(sequence: number): Promise<FoundBatch | null> {
    const newest = this.places.at(-1)
    if (newest === undefined || sequence > newest.lastSequence) await this.lookAtEnd()
    for (let guesses = 0; ; guesses++) {
      const at = this.placesUpTo(sequence)
      const below = at === 0 ? BEFORE_ALL : this.places[at - 1]
      if (sequence <= below.lastSequence) return this.batchAt(below.revision)
      // What is newer than the newest batch is no batch's.
      if (at === this.places.length) return null
      const above = this.places[at]
      if (!(await this.lookBetween(below, above, guesses < MAX_GUESSES ? share(sequence, below, above) : 0.5))) return null
    }
  }

  /** Sees the newest batch. */
  private async lookAtEnd(): Promise<void> {
    let maxCount = FIRST_READ_ENTRIES
    for (let from: number | 'end' = 'end'; ; maxCount = Math.min(maxCount * 4, MOST_READ_ENTRIES)) {
      const { seen, last } = await this.read({ from, direction: 'backwards', maxCount })
      if (seen || last <= 0) return
      from = last - 1
    }
  }

  /** Sees at least one more batch between the two, first where this share of the way lies; false where there is none. */
  private async lookBetween(below: Place, above: Place, part: number): Promise<boolean> {
    const low = below.revision + 1
    let high = above.revision
    let from = Math.min(high - 1, low + Math.floor(part * (high - low)))
    for (let back = FIRST_READ_ENTRIES; low < high; back *= 4) {
      if (await this.lookForward(from, high)) return true
      // From there on lie the decisions of a batch before it: further back, in longer strides the more there are of them.
      high = from
      from = Math.max(low, high - back)
    }
    return false
  }

  /** Reads `[from, to)` until a batch is seen; false where none lies there. */
  private async lookForward(from: number, to: number): Promise<boolean> {
    let maxCount = FIRST_READ_ENTRIES
    for (let next = from; next < to; next += maxCount, maxCount = Math.min(maxCount * 4, MOST_READ_ENTRIES)) {
      if ((await this.read({ from: next, direction: 'forwards', maxCount: Math.min(maxCount, to - next) })).seen) return true
    }
    return false
  }

  /** Remembers the batches among these entries, and says whether there are any, and which revision was read last. */
  private async read(options: ReadStreamOptions): Promise<{ readonly seen: boolean; readonly last: number }> {
    let seen = false
    let last = -1
    for await (const recorded of this.ledger.readStream(this.stream, options)) {
      last = recorded.revision
      if (recorded.type !== 'InputsScreened') continue
      const { firstSequence, lastSequence } = readMetadata(recorded.metadata) ?? {}
      if (firstSequence === undefined || lastSequence === undefined)
        throw corrupt(recorded, 'its metadata does not say which inputs it holds')
      this.note({ revision: recorded.revision, firstSequence, lastSequence })
      seen = true
    }
    return { seen, last }
  }

  private async batchAt(revision: number): Promise<FoundBatch> {
    const kept = this.kept.get(revision) ?? this.readBatch(revision)
    this.kept.delete(revision)
    this.kept.set(revision, kept)
    if (this.kept.size > MAX_KEPT) this.kept.delete(this.kept.keys().next().value!)
    try {
      return await kept
    } catch (error) {
      // Whoever comes next reads it again.
      if (this.kept.get(revision) === kept) this.kept.delete(revision)
      throw error
    }
  }

  private async readBatch(revision: number): Promise<FoundBatch> {
    let batch: FoundBatch | null = null
    for await (const recorded of this.ledger.readStream(this.stream, { from: revision, direction: 'forwards', maxCount: 1 }))
      batch = { recorded, inputs: reading(recorded, () => decodeInputsScreened(readEntry(recorded).data)) }
    assert(batch !== null, `${this.stream}@${revision} was there a moment ago`)
    return batch
  }

  private note(place: Place): void {
    const at = this.placesUpTo(place.firstSequence, place.revision)
    if ((this.places[at - 1] as Place | undefined)?.revision === place.revision) return
    this.places.splice(at, 0, place)
    // Every other one still narrows a search almost as far; the newest is told from the end by being the last.
    const last = this.places.length - 1
    if (last >= MAX_PLACES) this.places = this.places.filter((_, index) => (last - index) % 2 === 0)
  }

  /** How many places begin at or before the sequence and, of those that begin at it, lie at or before the revision. */
  private placesUpTo(sequence: number, revision = Infinity): number {
    let low = 0
    let high = this.places.length
    while (low < high) {
      const middle = (low + high) >> 1
      const { firstSequence, revision: at } = this.places[middle]
      if (firstSequence < sequence || (firstSequence === sequence && at <= revision)) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** How far between two batches the sequence lies, from 0 to 1. */
function share(sequence: number, below: Place, above: Place): number {
  return (sequence - below.lastSequence) / Math.max(1, above.firstSequence - below.lastSequence)
}
