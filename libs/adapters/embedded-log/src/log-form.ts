import { RAW_TOPICS, RiskError } from '@riskledger/contracts'
import { FORM_KEY } from './log-keys'
import type { LogStore } from './log-store'

/** Version of the log's form on disk; raised whenever older code could not read it. */
const FORM_VERSION = 1

interface LogForm {
  readonly kind: string
  readonly version: number
  readonly partitionCount: number
  readonly topics: readonly string[]
}

/**
 * What an environment says of itself must fit: `data-folder-format` for another version or kind, `configuration-invalid` for another
 * number of partitions. An environment that holds nothing yet is given its form here.
 */
export function checkForm(
  store: LogStore,
  options: { readonly folder: string; readonly partitionCount: number; readonly readOnly: boolean },
): void {
  const { folder, partitionCount, readOnly } = options
  store.refresh()
  const bytes = store.get(FORM_KEY)
  if (bytes === undefined) {
    if (readOnly || store.floorKey(Uint8Array.of(255)) !== undefined) throw unreadable(folder, undefined)
    store.initialise(FORM_KEY, encodeForm(partitionCount))
    return
  }
  const form = parseForm(bytes, folder)
  if (form.version !== FORM_VERSION || form.topics.join() !== RAW_TOPICS.join()) {
    const message = `The log in ${folder} has form ${form.version}; this program reads form ${FORM_VERSION}. Use the program that wrote it, or import its inputs into a new folder.`
    throw new RiskError('data-folder-format', message, {
      retriable: false,
      context: { folder, found: form.version, expected: FORM_VERSION },
    })
  }
  if (form.partitionCount !== partitionCount) {
    const message = `The log in ${folder} was made with ${form.partitionCount} partitions, not ${partitionCount}. Ask for ${form.partitionCount}, or use a new folder.`
    throw new RiskError('configuration-invalid', message, {
      retriable: false,
      context: { folder, found: form.partitionCount, asked: partitionCount },
    })
  }
}

function encodeForm(partitionCount: number): Uint8Array {
  const form: LogForm = { kind: 'riskledger-log', version: FORM_VERSION, partitionCount, topics: RAW_TOPICS }
  return Buffer.from(JSON.stringify(form))
}

function parseForm(bytes: Uint8Array, folder: string): LogForm {
  try {
    const form = JSON.parse(Buffer.from(bytes).toString()) as LogForm
    if (form.kind === 'riskledger-log' && Array.isArray(form.topics)) return form
  } catch (cause) {
    throw unreadable(folder, cause)
  }
  throw unreadable(folder, undefined)
}

function unreadable(folder: string, cause: unknown): RiskError {
  const message = `The folder ${folder} holds something else than a log, or a log that was never finished being made. Choose another folder.`
  return new RiskError('data-folder-format', message, { retriable: false, cause, context: { folder } })
}
