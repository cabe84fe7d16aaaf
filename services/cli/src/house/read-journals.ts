import { RiskError, type Ledger } from '@riskledger/contracts'
import {
  combineDigests,
  decodeInputsScreened,
  emptyHead,
  JournalDigest,
  openEntry,
  screeningStream,
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

/** Reads a partition's journal from its beginning, checking the chain, and digests what it decided. `onInputs` is told of each batch read. */
async function readJournal(ledger: Ledger, stream: string, onInputs?: (count: number) => void): Promise<JournalReading> {
  const digest = new JournalDigest()
  const reading = { inputs: 0, entries: 0, storedBytes: 0, inputEntryBytes: 0, decisions: 0 }
  for await (const entry of openedEntries(ledger, stream)) {
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
    onInputs?.(count)
  }
  return { ...reading, digest: digest.finish() }
}

/** The readings of all partitions, and the digest of their digests. */
export async function readJournals(
  ledger: Ledger,
  options: { readonly partitions: number; readonly environment: string },
): Promise<{ readonly readings: readonly JournalReading[]; readonly digest: string }> {
  const readings: JournalReading[] = []
  for (let partition = 0; partition < options.partitions; partition++) {
    readings.push(await readJournal(ledger, screeningStream(partition, 0, options.environment)))
  }
  return { readings, digest: combineDigests(readings.map((reading) => reading.digest)) }
}

/** The entries of a hash-chained stream, each checked against the one before; throws `ledger-corrupt` at the first that is not whole. */
export async function* openedEntries(ledger: Ledger, stream: string): AsyncGenerator<OpenedEntry> {
  let head = emptyHead(stream)
  for await (const recorded of ledger.readStream(stream, { from: 'start', direction: 'forwards' })) {
    const opened = openEntry(head, recorded)
    if (opened.kind === 'faulty') {
      throw new RiskError(
        'ledger-corrupt',
        `${stream}@${recorded.revision}: ${opened.reason}. Entries before @${recorded.revision} are whole. Restore from a backup (riskledger backup), then run verify again.`,
        { retriable: false, context: { stream, revision: recorded.revision } },
      )
    }
    head = opened.entry.head
    yield opened.entry
  }
}
