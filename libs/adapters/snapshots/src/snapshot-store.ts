import { mkdirSync } from 'node:fs'
import { mkdir, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { MOST_STATE_BYTES, RiskError, type Snapshot, type SnapshotPlace, type SnapshotStore } from '@riskledger/contracts'
import { readSnapshotFile, readSnapshotPlace, writeSnapshotFile } from './snapshot-file'

/** Where snapshots lie and who hears of the damaged ones. */
export interface SnapshotStoreOptions {
  /** Folder of the files; created where it is missing. */
  readonly folder: string
  /** Largest state; more is refused with `limit-reached`. Default and most: `MOST_STATE_BYTES`. */
  readonly maxStateBytes?: number
  /** Hears of every snapshot that `load` leaves out because its bytes are not those that were saved. */
  readonly onDamaged?: (damage: { readonly name: string; readonly sequence: number; readonly reason: string }) => void
  /** Called as 'snapshot-written' once a snapshot is durable, before older ones go; tests end the process there. */
  readonly crashPoint?: (name: 'snapshot-written') => void
}

/** How many snapshots of a name are kept. */
const KEPT = 2
const SEQUENCE_DIGITS = 10
const SEQUENCE = new RegExp(`^\\d{${SEQUENCE_DIGITS}}$`)
/** Half-written snapshots, and the store that held them before they were files. */
const LEFT_BEHIND = /\.part$|^(data|lock)\.mdb$/
/** Between two chunks, which take about 1 ms of a core each: who decides beside it waits for a core and for the disk as little as can be. */
const PAUSE_MS = 8

/**
 * Opens the store of state snapshots: a file each, `<name>.<sequence>`, which is written as `<name>.part`, flushed, and then named, so that a crash half-way
 * leaves nothing that could be taken for one. Others may read while one process writes; saves are made one after another, at about 100 MiB of state a
 * second, so that whoever shares cores and disk with them goes on.
 * Errors: `limit-reached`, `snapshot-unusable` (also for a full disk); none is retriable. A snapshot is a cache: the caller can go on without it.
 */
export function openSnapshotStore(options: SnapshotStoreOptions): SnapshotStore {
  try {
    mkdirSync(options.folder, { recursive: true })
  } catch (cause) {
    throw failure(options.folder, cause, 'cannot be opened')
  }
  return new SnapshotFiles(options)
}

class SnapshotFiles implements SnapshotStore {
  private last: Promise<unknown> = Promise.resolve()
  private tidied = false
  private readonly closing = new AbortController()

  constructor(private readonly options: SnapshotStoreOptions) {}

  save(name: string, snapshot: Snapshot): Promise<void> {
    const saved = this.last.then(() => this.saveNow(name, snapshot))
    // The queue goes on after a failure; the caller of the failed save hears of it.
    this.last = saved.then(
      () => undefined,
      () => undefined,
    )
    return saved
  }

  async *load(name: string): AsyncGenerator<Snapshot, void, undefined> {
    for (const sequence of (await this.sequencesToLoad(name)).reverse()) {
      let snapshot: Snapshot | null
      try {
        snapshot = await this.loadOne(name, sequence)
      } catch (error) {
        this.options.onDamaged?.({ name, sequence, reason: error instanceof Error ? error.message : String(error) })
        continue
      }
      if (snapshot !== null) yield snapshot
    }
  }

  /** Whoever loads is told what is damaged. */
  async newest(name: string): Promise<SnapshotPlace | null> {
    try {
      const sequence = (await this.sequences(name)).at(-1)
      return sequence === undefined ? null : await withFile(this.pathOf(name, sequence), 'r', readSnapshotPlace)
    } catch {
      return null
    }
  }

  async close(): Promise<void> {
    this.closing.abort()
    await this.last
  }

  /** Once the store is being closed what is left is written without pauses. */
  private async pause(): Promise<void> {
    await setTimeout(PAUSE_MS, undefined, { signal: this.closing.signal }).catch(() => undefined)
  }

  private async saveNow(name: string, snapshot: Snapshot): Promise<void> {
    const { folder, maxStateBytes = MOST_STATE_BYTES, crashPoint } = this.options
    const stateBytes = snapshot.state.length
    if (stateBytes > maxStateBytes) {
      const message = `The state of ${name} has ${stateBytes} bytes; a snapshot takes at most ${maxStateBytes}. None was written, and the next start folds the journal instead.`
      throw new RiskError('limit-reached', message, { retriable: false, context: { name, stateBytes, maxStateBytes } })
    }
    const draft = join(folder, `${fileName(name)}.part`)
    try {
      await this.tidy()
      const known = await this.sequences(name)
      await withFile(draft, 'w', (file) => writeSnapshotFile(file, snapshot, { pause: () => this.pause() }))
      await rename(draft, this.pathOf(name, (known.at(-1) ?? 0) + 1))
      await withFile(folder, 'r', (file) => file.sync())
      crashPoint?.('snapshot-written')
      for (const old of known.slice(0, Math.max(0, known.length + 1 - KEPT))) await rm(this.pathOf(name, old), { force: true })
    } catch (cause) {
      // What did not become one takes no room; where even that fails, the next save writes over it.
      await rm(draft, { force: true }).catch(() => undefined)
      throw failure(folder, cause, `could not take a snapshot of ${name}`)
    }
  }

  /** None where the folder cannot be read, which is told of: whoever wants a snapshot goes on without. */
  private async sequencesToLoad(name: string): Promise<number[]> {
    try {
      return await this.sequences(name)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.options.onDamaged?.({ name, sequence: 0, reason: (error as Error).message })
      return []
    }
  }

  /** Before the first save: makes the folder where somebody removed it, and removes what a process that was killed left half-written, whichever name it was of. */
  private async tidy(): Promise<void> {
    const { folder } = this.options
    await mkdir(folder, { recursive: true })
    if (this.tidied) return
    this.tidied = true
    for (const file of await readdir(folder)) if (LEFT_BEHIND.test(file)) await rm(join(folder, file), { force: true })
  }

  /** Null where it was removed meanwhile, because there are newer ones. */
  private async loadOne(name: string, sequence: number): Promise<Snapshot | null> {
    try {
      return await withFile(this.pathOf(name, sequence), 'r', readSnapshotFile)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
  }

  /** Those that are there of a name, ascending. */
  private async sequences(name: string): Promise<number[]> {
    const prefix = `${fileName(name)}.`
    const digits = (await readdir(this.options.folder)).filter((file) => file.startsWith(prefix)).map((file) => file.slice(prefix.length))
    return digits
      .filter((text) => SEQUENCE.test(text))
      .map(Number)
      .sort((a, b) => a - b)
  }

  private pathOf(name: string, sequence: number): string {
    return join(this.options.folder, `${fileName(name)}.${String(sequence).padStart(SEQUENCE_DIGITS, '0')}`)
  }
}

async function withFile<T>(path: string, flags: 'r' | 'w', use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, flags)
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}

function fileName(name: string): string {
  return encodeURIComponent(name)
}

function failure(folder: string, cause: unknown, what: string): RiskError {
  if (cause instanceof RiskError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  const message = `The snapshot store in ${folder} ${what}: ${reason}. Check that the disk has room and can be written; until then each start folds the journal. The folder is a cache: with everything stopped it may be deleted.`
  return new RiskError('snapshot-unusable', message, { retriable: false, cause, context: { folder } })
}
