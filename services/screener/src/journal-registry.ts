import { RiskError, type Ledger, type RecordedEntry } from '@riskledger/contracts'
import { encodeLedgerJson } from '@riskledger/events'
import { emptyHead, partitionsStream, readMetadata, screeningStream, sealEntry, ZERO_HASH, type ChainHead } from '@riskledger/journal'

/** What the registry needs to know of a worker. */
export interface RegistryOptions {
  readonly ledger: Ledger
  readonly partition: number
  readonly partitionCount: number
  readonly environment: string
  readonly engineHash: string
}

interface Registry {
  readonly head: ChainHead
  readonly streams: ReadonlySet<string>
}

/** Throws `ledger-corrupt` where the registry names this partition's journal: one that was removed is never silently begun anew. */
export async function assertNotRemoved(options: RegistryOptions): Promise<void> {
  const stream = screeningStream(options.partition, 0, options.environment)
  if (!(await readRegistry(options)).streams.has(stream)) return
  // Looked at again: another worker may have begun it since this one found none. The append then finds it there.
  if (await exists(options.ledger, stream)) return
  throw new RiskError(
    'ledger-corrupt',
    `${stream} is in the registry of journals, and the ledger has no entry of it: it was removed. Restore the ledger from a backup.`,
    {
      retriable: false,
      context: { stream },
    },
  )
}

/**
 * Puts the partition's journal on the list of journals, with the hash of its first entry, where it is not on it yet: a worker may have died between
 * the two. Several partitions may do so at once.
 */
export async function register(options: RegistryOptions): Promise<void> {
  const stream = screeningStream(options.partition, 0, options.environment)
  const entryHash = await firstHashOf(options.ledger, stream)
  const data = encodeLedgerJson('JournalRegistered', {
    partition: options.partition,
    partitionCount: options.partitionCount,
    stream,
    entryHash,
  })
  for (;;) {
    const { head, streams } = await readRegistry(options)
    if (streams.has(stream)) return
    const { proposed } = sealEntry(head, {
      type: 'JournalRegistered',
      contentType: 'json',
      data,
      metadata: { engineHash: options.engineHash, policyHash: ZERO_HASH },
    })
    try {
      await options.ledger.append(head.stream, head.revision < 0 ? 'no-stream' : head.revision, [proposed])
      return
    } catch (error) {
      if (!(error instanceof RiskError) || error.code !== 'wrong-expected-revision') throw error
    }
  }
}

async function readRegistry({ ledger, environment }: RegistryOptions): Promise<Registry> {
  let head = emptyHead(partitionsStream(environment))
  const streams = new Set<string>()
  try {
    for await (const entry of ledger.readStream(head.stream, { from: 'start', direction: 'forwards' })) {
      head = { stream: head.stream, revision: entry.revision, entryHash: hashOf(entry) }
      streams.add((JSON.parse(Buffer.from(entry.data).toString('utf8')) as { stream: string }).stream)
    }
  } catch (error) {
    if (!(error instanceof RiskError) || error.code !== 'stream-not-found') throw error
  }
  return { head, streams }
}

async function exists(ledger: Ledger, stream: string): Promise<boolean> {
  try {
    await firstHashOf(ledger, stream)
    return true
  } catch (error) {
    if (error instanceof RiskError && error.code === 'stream-not-found') return false
    throw error
  }
}

async function firstHashOf(ledger: Ledger, stream: string): Promise<string> {
  for await (const entry of ledger.readStream(stream, { from: 'start', direction: 'forwards', maxCount: 1 })) return hashOf(entry)
  throw new Error(`${stream} has no entry`)
}

function hashOf(entry: RecordedEntry): string {
  const metadata = readMetadata(entry.metadata)
  if (metadata !== null) return metadata.entryHash
  throw new RiskError('ledger-corrupt', `${entry.stream}@${entry.revision}: its metadata cannot be read. Run riskledger verify.`, {
    retriable: false,
    context: { stream: entry.stream, revision: entry.revision },
  })
}
