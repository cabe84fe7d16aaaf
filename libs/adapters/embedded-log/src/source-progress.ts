import type { SourceProgress } from '@riskledger/contracts'
import { END_OF_SOURCES_KEY, FIRST_SOURCE_KEY, sourceKey } from './log-keys'
import type { LogStore, LogTransaction } from './log-store'

/** More file sources than this in one log are not foreseen; each is a small record. */
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

  write(transaction: LogTransaction, progress: SourceProgress): void {
    let sequence = this.sequences.get(progress.sourceId)
    if (sequence === undefined) {
      const known = readSources(transaction)
      const found = known.findIndex((source) => source.sourceId === progress.sourceId)
      sequence = found === -1 ? known.length : found
    }
    const { sourceId, emissions, orderTimeMs, startedAtMs, done } = progress
    transaction.put(sourceKey(sequence), Buffer.from(JSON.stringify({ sourceId, emissions, orderTimeMs, startedAtMs, done })))
    this.sequences.set(sourceId, sequence)
  }
}
