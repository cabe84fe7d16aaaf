import { openEmbeddedLog } from '@riskledger/embedded-log'
import { importFiles, parseMapping, type ImportSummary, type Mapping } from '@riskledger/files'
import { aborted, crashPointFrom, runThread } from '@riskledger/runtime'

/** What the ingest thread is started with. */
export interface IngestThreadInput {
  /** Folder of the embedded log. */
  readonly logFolder: string
  readonly partitionCount: number
  /** None: the log is made where it is missing, and nothing is taken in. */
  readonly files: readonly string[]
  /** Text of the mapping, for CSV; it was checked before. */
  readonly mapping: string | null
  readonly strict: boolean
  /** How far past its arrival an event may be dated, by the policy that it is screened by; null: as by the one that ships. */
  readonly maxSkewMs: number | null
  readonly startedAtMs: number
  /** Records of an append at most. */
  readonly batchRecords: number
  /** See `crashPointFrom`. */
  readonly crashAt: string | undefined
}

/** What the ingest thread tells on its way. */
export type IngestMessage =
  | { readonly kind: 'progress'; readonly bytesRead: number; readonly bytesTotal: number; readonly emissions: number }
  | { readonly kind: 'rejected'; readonly message: string }
  | { readonly kind: 'taken-in'; readonly result: IngestResult }

/** What came of the files; null where none was named. */
export type IngestResult = ImportSummary | null

runThread<IngestThreadInput>(async ({ input, signal, ready, post }) => {
  const tell = (message: IngestMessage): void => post(message)
  const crashPoint = crashPointFrom(input.crashAt)
  const log = openEmbeddedLog({ folder: input.logFolder, partitionCount: input.partitionCount, crashPoint })
  const takeIn = (): Promise<ImportSummary> =>
    importFiles({
      files: input.files,
      log,
      startedAtMs: input.startedAtMs,
      strict: input.strict,
      batchRecords: input.batchRecords,
      signal,
      crashPoint,
      onProgress: ({ bytesRead, totalBytes, emissions }) => tell({ kind: 'progress', bytesRead, bytesTotal: totalBytes, emissions }),
      onRejected: ({ file, line, message }) => tell({ kind: 'rejected', message: `${file}:${line}: ${message}` }),
      ...(input.maxSkewMs === null ? {} : { maxSkewMs: input.maxSkewMs }),
      ...(input.mapping === null ? {} : { mapping: mappingOf(input.mapping) }),
    })
  ready()
  try {
    tell({ kind: 'taken-in', result: input.files.length === 0 ? null : await takeIn() })
    // LMDB lets nobody of a process write, a gateway say, where the first that had the log open only read it: it stays open here.
    await aborted(signal)
  } finally {
    await log.close()
  }
})

function mappingOf(text: string): Mapping {
  const result = parseMapping(text)
  if (result.kind === 'rejected') throw new Error(`the mapping was accepted before and is not now: ${result.problems[0].message}`)
  return result.mapping
}
