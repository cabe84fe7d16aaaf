import { RiskError, type SourceProgress } from '@riskledger/contracts'
import { END_OF_SOURCES_KEY, FIRST_SOURCE_KEY, sourceKey } from './log-keys'
import type { LogStore, LogTransaction } from './log-store'

/** Most file sources that a log takes; each is a small record. */
const MAX_SOURCES = 100_000

/** Every source's progress, in order of its start. */
export function readSources(reader: Pick<LogStore, 'get' | 'keys'>): SourceProgress[] {
  const sources: SourceProgress[] = []
  for (const key of reader.keys(FIRST_SOURCE_KEY, END_OF_SOURCES_KEY, MAX_SOURCES)) {
    const bytes = reader.get(key)
    if (bytes !== undefined) sources.push(JSON.parse(Buffer.from(bytes).toString()) as SourceProgress)
  }
  return sources
}

/** Remembers each source's place, so that a known one costs a single write. */
export class SourceProgressWriter {
  private readonly sequences = new Map<string, number>()

  /** Throws `limit-reached` where the source is new and the log has no place for another. */
  write(transaction: LogTransaction, progress: SourceProgress): void {
    const sequence = this.sequences.get(progress.sourceId) ?? findSequence(transaction, progress.sourceId)
    const { sourceId, emissions, orderTimeMs, startedAtMs, done } = progress
    transaction.put(sourceKey(sequence), Buffer.from(JSON.stringify({ sourceId, emissions, orderTimeMs, startedAtMs, done })))
    this.sequences.set(sourceId, sequence)
  }

  /** To be called where a transaction was not committed: the places that it gave to sources are free again. */
  rolledBack(): void {
    this.sequences.clear()
  }
}

function findSequence(transaction: LogTransaction, sourceId: string): number {
  const known = readSources(transaction)
  const found = known.findIndex((source) => source.sourceId === sourceId)
  if (found !== -1) return found
  if (known.length >= MAX_SOURCES) throw sourcesFull(sourceId)
  return known.length
}

function sourcesFull(sourceId: string): RiskError {
  const message = `The log holds ${MAX_SOURCES} file sources, the most that it takes; nothing of source ${sourceId} was appended. Name several files in one import, which makes them one source, or import into another data folder.`
  return new RiskError('limit-reached', message, { retriable: false, context: { sourceId, limit: MAX_SOURCES } })
}
