import { RiskError, type Ledger } from '@riskledger/contracts'
import {
  checkedEntries,
  combineDigests,
  decodeInputsScreened,
  emptyHead,
  JournalDigest,
  screeningStream,
  type CheckedEntry,
  type JournaledFact,
  type OpenedEntry,
} from '@riskledger/journal'

/** What one pass over a partition's journal tells. */
export interface JournalReading {
  readonly inputs: number
  readonly entries: number
  /** Stored bytes of data and metadata: of all entries, and of those that hold inputs. */
  readonly storedBytes: number
  readonly inputEntryBytes: number
  readonly decisions: number
  readonly digest: string
}

const NO_FACTS: readonly JournaledFact[] = []

/** Reads a partition's journal from its beginning, checking the chain, and digests what it decided. */
async function readJournal(entries: AsyncIterable<CheckedEntry>, stream: string): Promise<JournalReading> {
  const digest = new JournalDigest()
  const reading = { inputs: 0, entries: 0, storedBytes: 0, inputEntryBytes: 0, decisions: 0 }
  for await (const entry of wholeEntries(entries, stream)) {
    reading.entries++
    reading.storedBytes += entry.storedBytes
    if (entry.type === 'DecisionMade') reading.decisions++
    if (entry.type !== 'InputsScreened') continue
    reading.inputEntryBytes += entry.storedBytes
    const batch = decodeInputsScreened(entry.data)
    let nextFact = 0
    const count = batch.forEachInput((input, index) => {
      const sequence = batch.firstSequence + index
      let facts = NO_FACTS
      if (nextFact < batch.facts.length && batch.facts[nextFact].sequence === sequence) {
        const from = nextFact
        while (nextFact < batch.facts.length && batch.facts[nextFact].sequence === sequence) nextFact++
        facts = batch.facts.slice(from, nextFact)
      }
      digest.add(sequence, input, facts)
    })
    reading.inputs += count
  }
  return { ...reading, digest: digest.finish() }
}

/** Which journals are read, and how. */
export interface ReadJournalsOptions {
  readonly partitions: number
  readonly environment: string
  /** The checked entries of a journal, where somebody else reads them ahead; left out: read here. */
  readonly entriesOf?: ((stream: string) => AsyncIterable<CheckedEntry>) | undefined
}

/** The readings of all partitions, and the digest of their digests. */
export async function readJournals(
  ledger: Ledger,
  { partitions, environment, entriesOf = (stream) => checkedEntries(ledger, emptyHead(stream)) }: ReadJournalsOptions,
): Promise<{ readonly readings: readonly JournalReading[]; readonly digest: string }> {
  const readings: JournalReading[] = []
  for (let partition = 0; partition < partitions; partition++) {
    const stream = screeningStream(partition, 0, environment)
    readings.push(await readJournal(entriesOf(stream), stream))
  }
  return { readings, digest: combineDigests(readings.map((reading) => reading.digest)) }
}

/** The entries of a hash-chained stream, each checked against the one before; throws `ledger-corrupt` at the first that is not whole. */
export function openedEntries(ledger: Ledger, stream: string): AsyncGenerator<OpenedEntry> {
  return wholeEntries(checkedEntries(ledger, emptyHead(stream)), stream)
}

async function* wholeEntries(entries: AsyncIterable<CheckedEntry>, stream: string): AsyncGenerator<OpenedEntry> {
  for await (const { revision, opened } of entries) {
    if (opened.kind === 'faulty') {
      throw new RiskError(
        'ledger-corrupt',
        `${stream}@${revision}: ${opened.reason}. Entries before @${revision} are whole. Restore from a backup (riskledger backup), then run verify again.`,
        { retriable: false, context: { stream, revision } },
      )
    }
    yield opened.entry
  }
}
