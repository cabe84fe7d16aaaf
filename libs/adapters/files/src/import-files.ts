import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { type EventLog, RiskError } from '@riskledger/contracts'
import { CsvEmitter } from './csv-emitter'
import type { Rejection } from './emission'
import type { EmissionBlock } from './emission-block'
import type { LatestTime } from './future-event'
import { type ImportCrashPoint, LogFeeder, TOLERATED_SKEW_MS } from './log-feeder'
import type { Mapping } from './mapping'
import { mergeByTime } from './merge-by-time'
import { type Emitter, NdjsonEmitter } from './ndjson-emitter'
import { readBlocks } from './read-blocks'
import { openSourceFile, type SourceFile } from './source-files'

/** How far an import has come. */
export interface ImportProgress {
  /** Bytes read of all files, as stored. */
  readonly bytesRead: number
  readonly totalBytes: number
  /** Emissions so far, those of an earlier run included. */
  readonly emissions: number
}

/** What is imported, and where to. */
export interface ImportOptions {
  /** Names of files, at least one; `-` is standard input, at most once. Plain or gzip, told by their first bytes. */
  readonly files: readonly string[]
  /** Given: every file is CSV of this mapping. Left out: every file is NDJSON. */
  readonly mapping?: Mapping
  readonly log: EventLog
  /** Wall time of this start, epoch milliseconds. A resumed import goes on with that of its first start. */
  readonly startedAtMs: number
  /**
   * How far past its broker time an event may be dated before screening refuses it (`maxSkewMs` of the policy), in milliseconds. Only says
   * which events are told, or stopped at: they are taken all the same. Default 300,000, as in the policy that ships.
   */
  readonly maxSkewMs?: number
  /** Stop at the first line or row from which no event can be made, or one dated too far ahead. Default false. */
  readonly strict?: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: ImportProgress) => void
  /** Told of each line or row from which no event can be made, and of each event dated too far ahead, once over all runs. */
  readonly onRejected?: (rejection: Rejection) => void
  /** Called at named moments, for tests that kill the process there. */
  readonly crashPoint?: (name: ImportCrashPoint) => void
  /** Records of an append, 1 to 100,000. Default 4,096. */
  readonly batchRecords?: number
  /** What `-` reads. Default the process's standard input. */
  readonly stdin?: Readable
}

/** What an import did. */
export interface ImportSummary {
  /** `imported`: it ran to the end. `already-imported`: the same content was complete in this log, so nothing was read again. */
  readonly kind: 'imported' | 'already-imported'
  readonly sourceId: string
  /** Emissions of the whole import: events, and lines or rows without one. */
  readonly emissions: number
  /** Of these, how many an earlier run had taken. */
  readonly resumedFrom: number
  /** Lines or rows from which no event could be made, and events dated too far ahead, met by this run. */
  readonly rejected: number
  /** Bytes of the files, as stored. */
  readonly bytes: number
}

/**
 * Takes files into the log. The emissions are one sequence that the files' content, the mapping and the time of the first start
 * alone determine: lines in file order, several files merged by event time (what has none, or one more than 5 minutes after the
 * start, goes as soon as it is the next of its file), labels that a mapping delays at their time. The log stores with each batch how
 * many emissions it holds, so the same content goes on where it stopped, and nothing is taken twice.
 *
 * Broker time of a record: the smaller of its event time and the start of the import. Order time: the largest broker time so far,
 * never below that of any other source in this log. An event dated more than 5 minutes after the start moves no clock: its broker
 * time is the order time so far; where that makes it one that screening refuses (`maxSkewMs`), it is told. A line or row from which no event can be made goes
 * byte for byte to the topic `unparsable`, partition 0, without key; of one longer than 1 MiB, its first 64 KiB, length and hash.
 *
 * Resolves once everything is durable. Throws `file-not-found`, `file-unreadable`, `mapping-invalid`, `input-rejected` (strict),
 * `cancelled`, `limit-reached`, and what the log throws; all that was emitted before is then durable, but for the log's own errors.
 */
export async function importFiles(options: ImportOptions): Promise<ImportSummary> {
  const files: SourceFile[] = []
  try {
    for (const name of checkedNames(options))
      files.push(await openSourceFile(name, { stdin: options.stdin ?? process.stdin, signal: options.signal }))
    return await importOpened(files, options)
  } finally {
    for (const file of files) await file.release()
  }
}

async function importOpened(files: readonly SourceFile[], options: ImportOptions): Promise<ImportSummary> {
  const { log, mapping } = options
  const sourceId = sourceIdOf(files, mapping)
  const totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
  const known = await log.sources()
  const earlier = known.find((source) => source.sourceId === sourceId)
  const resumedFrom = earlier?.emissions ?? 0
  const base = { sourceId, resumedFrom, bytes: totalBytes }
  if (earlier?.done === true) return { ...base, kind: 'already-imported', emissions: earlier.emissions, rejected: 0 }

  const startedAtMs = earlier?.startedAtMs ?? options.startedAtMs
  const maxSkewMs = options.maxSkewMs ?? TOLERATED_SKEW_MS
  // Up to the start an event's broker time is its own; past it, the start, as far as a clock may run ahead.
  const latest: LatestTime = { latestMs: startedAtMs + Math.min(maxSkewMs, TOLERATED_SKEW_MS), maxSkewMs }
  const feeder = new LogFeeder({
    log,
    sourceId,
    skip: resumedFrom,
    leastOrderTimeMs: known.reduce((most, source) => (source.sourceId === sourceId ? most : Math.max(most, source.orderTimeMs)), 0),
    startedAtMs,
    maxSkewMs,
    batchRecords: options.batchRecords ?? 4_096,
    strict: options.strict ?? false,
    onRejected: options.onRejected ?? (() => undefined),
    crashPoint: options.crashPoint ?? (() => undefined),
  })
  const bytesRead = new Float64Array(files.length)
  const readers = files.map((file, index) =>
    emissionsOf(file, { mapping, latest, signal: options.signal, onRead: (bytes) => (bytesRead[index] = bytes) }),
  )
  try {
    for await (const block of mergeByTime(readers, { latestMs: startedAtMs + TOLERATED_SKEW_MS })) {
      for (let at = 0; at < block.count;) {
        at = feeder.take(block, at)
        if (feeder.full) await feeder.send()
      }
      if (options.signal?.aborted === true) throw cancelled()
      options.onProgress?.({ bytesRead: bytesRead.reduce((sum, bytes) => sum + bytes, 0), totalBytes, emissions: feeder.emissions })
    }
  } catch (error) {
    if (error instanceof RiskError && STOPS_IN_ORDER.has(error.code)) await feeder.finish(false)
    throw error
  } finally {
    for (const reader of readers) await reader.return()
  }
  await feeder.finish(true)
  return { ...base, kind: 'imported', emissions: feeder.emissions, rejected: feeder.rejected }
}

/** Errors of the input's side, at which what was gathered can still be made durable. */
const STOPS_IN_ORDER: ReadonlySet<string> = new Set(['file-unreadable', 'mapping-invalid', 'input-rejected', 'cancelled', 'limit-reached'])

async function* emissionsOf(
  file: SourceFile,
  options: {
    readonly mapping: Mapping | undefined
    readonly latest: LatestTime
    readonly signal: AbortSignal | undefined
    readonly onRead: (bytes: number) => void
  },
): AsyncGenerator<EmissionBlock, void, void> {
  const { mapping, latest } = options
  const emitter: Emitter = mapping === undefined ? new NdjsonEmitter(file.name, latest) : new CsvEmitter(file.name, mapping, latest)
  for await (const block of readBlocks(file, options)) yield emitter.add(block)
  yield emitter.end()
}

/** The files of an import, if they can be imported as they are named; throws `file-not-found`, `file-unreadable` or `mapping-invalid`. Reads nothing. */
export function checkedNames({ files, mapping }: Pick<ImportOptions, 'files' | 'mapping'>): readonly string[] {
  if (files.length === 0)
    throw new RiskError('file-not-found', 'No file is named. Name at least one, or - for standard input.', { retriable: false })
  if (files.filter((name) => name === '-').length > 1) {
    throw new RiskError('file-unreadable', 'Standard input (-) is named more than once; it can be read once only.', { retriable: false })
  }
  const csv = mapping === undefined ? files.find((name) => /\.csv(\.gz)?$/i.test(name)) : undefined
  if (csv !== undefined) {
    throw new RiskError('mapping-invalid', `${csv} is CSV; say with --mapping which column is which field (examples/mappings shows how).`, {
      retriable: false,
      context: { file: csv },
    })
  }
  return files
}

function sourceIdOf(files: readonly SourceFile[], mapping: Mapping | undefined): string {
  const hash = createHash('sha256')
  for (const file of files) hash.update(`${file.sha256}\n`)
  if (mapping !== undefined) hash.update(mapping.canonical)
  return hash.digest('hex')
}

function cancelled(): RiskError {
  const message = 'The import was cancelled. What was read is in the log; the same command goes on from there.'
  return new RiskError('cancelled', message, { retriable: false })
}
