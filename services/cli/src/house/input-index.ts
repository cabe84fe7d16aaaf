import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { RiskError, type InputStatus, type Ledger, type RawTopic, type RecordedEntry } from '@riskledger/contracts'
import { uuidBytes } from '@riskledger/events'
import { decodeInputsScreened, holdsEntry, readEntry, screeningStream } from '@riskledger/journal'
import { lockDataFolder, type DataFolderLock } from '@riskledger/runtime'
import { openDecisionIndex, type DecisionIndex, type IndexedKey, type JournalPosition } from '@riskledger/snapshots'
import { eventIdBytes, identityOfInput } from './input-rows'
import { notice } from './notice'

/** Ids are put in this many at a time. */
const PUT_KEYS = 100_000
/** How long one command waits for another that brings the index up to date. */
const LOCK_WAIT_MS = 60_000
const LOCK_PAUSE_MS = 50

/** What an id can mean: an event that was taken, one that came too late to change anything, one that came again, one that was refused, a decision. */
type KeyKind = 'event' | 'late' | 'again' | 'refused' | 'decision'

const KIND_OF: Readonly<Record<InputStatus, KeyKind>> = {
  screened: 'event',
  observed: 'event',
  late: 'late',
  duplicate: 'again',
  conflicting: 'again',
  quarantined: 'refused',
}

/** What the index stands on. */
export interface InputIndexOptions {
  readonly dataDir: string
  readonly ledger: Ledger
  readonly partitions: number
  readonly environment: string
  readonly onInputs?: (inputs: number) => void
}

/** Look-up of journal positions by id, as far as the journals go. */
export interface InputIndex {
  get(kind: KeyKind, id: string): JournalPosition | undefined
  close(): Promise<void>
}

/**
 * Opens the look-up index under `<data-dir>/cache/index` and brings it up to date with every partition's journal. It is a cache: one of
 * other journals (the ledger was restored from a backup) is built anew. One command at a time; others wait up to a minute, then
 * `data-folder-in-use`.
 */
export async function openInputIndex(options: InputIndexOptions): Promise<InputIndex> {
  const folder = join(options.dataDir, 'cache', 'index')
  const lock = await waitForLock(join(options.dataDir, 'cache', 'index-lock'))
  try {
    let index = openDecisionIndex({ folder, onDiscarded: notice })
    if (await isOfOthers(index, options)) {
      await index.close()
      await rm(folder, { recursive: true, force: true })
      index = openDecisionIndex({ folder })
    }
    let inputs = 0
    for (let partition = 0; partition < options.partitions; partition++) {
      await extend(index, screeningStream(partition, 0, options.environment), {
        ledger: options.ledger,
        onBatch: (count) => options.onInputs?.((inputs += count)),
      })
    }
    return {
      get: (kind, id) => index.get(keyOf(kind, uuidBytes(id))),
      close: async () => {
        await index.close()
        await lock.release()
      },
    }
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function waitForLock(folder: string): Promise<DataFolderLock> {
  const deadlineMs = performance.now() + LOCK_WAIT_MS
  for (;;) {
    try {
      return await lockDataFolder(folder, { command: 'riskledger explain' })
    } catch (error) {
      if (!(error instanceof RiskError) || error.code !== 'data-folder-in-use' || performance.now() > deadlineMs) throw error
      await pause(LOCK_PAUSE_MS)
    }
  }
}

/** By revision alone a journal that was restored and has grown since would pass. */
async function isOfOthers(index: DecisionIndex, { ledger, partitions, environment }: InputIndexOptions): Promise<boolean> {
  for (let partition = 0; partition < partitions; partition++) {
    const head = index.head(screeningStream(partition, 0, environment))
    if (head !== undefined && !(await holdsEntry(ledger, head))) return true
  }
  return false
}

interface Extension {
  readonly ledger: Ledger
  readonly onBatch: (count: number) => void
}

async function extend(index: DecisionIndex, stream: string, { ledger, onBatch }: Extension): Promise<void> {
  let keys: IndexedKey[] = []
  let last: RecordedEntry | null = null
  const from = (index.head(stream)?.revision ?? -1) + 1
  const put = async (through: RecordedEntry): Promise<void> => {
    const { revision } = through
    await index.put(keys, { stream, revision, entryHash: readEntry(through).metadata.entryHash })
    keys = []
  }
  const topics = await topicsOf(ledger, stream)
  if (topics === null) return
  for await (const recorded of ledger.readStream(stream, { from, direction: 'forwards' })) {
    const { revision } = recorded
    last = recorded
    if (recorded.type === 'InputsScreened') {
      onBatch(addInputs(keys, readEntry(recorded).data, { stream, revision, topics }))
    } else if (recorded.type === 'DecisionMade') {
      const { decisionId } = JSON.parse(Buffer.from(recorded.data).toString('utf8')) as { decisionId: string }
      keys.push({ key: keyOf('decision', uuidBytes(decisionId)), position: { stream, revision, index: 0 } })
    }
    if (keys.length < PUT_KEYS) continue
    await put(recorded)
    last = null
  }
  if (last !== null) await put(last)
}

function addInputs(
  keys: IndexedKey[],
  plain: Uint8Array,
  at: { readonly stream: string; readonly revision: number; readonly topics: readonly RawTopic[] },
): number {
  return decodeInputsScreened(plain).forEachInput((input, index) => {
    if (input.body === null || identityOfInput(at.topics[input.topic], input).eventId === null) return
    keys.push({
      key: keyOf(KIND_OF[input.status], eventIdBytes(input.body)),
      position: { stream: at.stream, revision: at.revision, index },
    })
  })
}

/** The topics of a journal as its first entry lists them; null where there is no journal. */
export async function topicsOf(ledger: Ledger, stream: string): Promise<readonly RawTopic[] | null> {
  try {
    for await (const recorded of ledger.readStream(stream, { from: 'start', direction: 'forwards', maxCount: 1 })) {
      return (JSON.parse(Buffer.from(recorded.data).toString('utf8')) as { topics: RawTopic[] }).topics
    }
  } catch (error) {
    if (!(error instanceof RiskError) || error.code !== 'stream-not-found') throw error
  }
  return null
}

/** Event ids stand for themselves, so that the usual look-up costs nothing; the other kinds are told apart by a hash. */
function keyOf(kind: KeyKind, id: Uint8Array): Uint8Array {
  if (kind === 'event') return Uint8Array.prototype.slice.call(id)
  return createHash('sha256').update(kind).update(id).digest().subarray(0, 16)
}
