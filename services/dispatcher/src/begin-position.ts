import { setTimeout as pause } from 'node:timers/promises'
import { RiskError, type Ledger, type Logger, type RawTopic, type RecordedEntry } from '@riskledger/contracts'
import { emptyHead, readEntry } from '@riskledger/journal'
import { RISK_TOPICS } from '@riskledger/events'
import type { DispatchPlace, DispatchPosition, PositionStore } from './dispatch-position'
import type { FollowerStart } from './journal-follower'
import { BATCH_HEADER, ENTRY_HEADER, parseBatch, REVISION_HEADER, STREAM_HEADER } from './message-headers'
import type { PublishedTail } from './publisher'

/** Newest messages of each partition that are looked at for the last published position. */
const TAIL_MESSAGES = 200

/** How long an entry that was published may be missing from a ledger that was just started again. */
const MISSING_PATIENCE_MS = 5_000
const MISSING_PAUSE_MS = 250

/** Where a dispatcher without any position begins. */
export type StartFrom = 'beginning' | 'end'

/** What finding the position stands on. */
export interface BeginOptions {
  readonly ledger: Ledger
  readonly positions: PositionStore
  readonly tail: PublishedTail | null
  readonly startFrom: StartFrom
  readonly topicPrefix: string
  readonly topicPartitions: number
  readonly logger: Logger
}

/** Where to follow a journal from, and the first input that is to be published. */
export interface Beginning {
  readonly start: FollowerStart
  readonly from: DispatchPlace
}

/**
 * Where to go on with a journal: at its own position; without one, at the beginning of the last call that stands on the topics, since all before
 * that was answered; with nothing there either, as `startFrom` says. Throws `journal-mismatch` where the ledger does not hold the entry that the
 * position names: it was replaced or restored, and what is published already is not what it holds.
 */
export async function beginPosition(stream: string, options: BeginOptions): Promise<Beginning> {
  const own = await options.positions.load(stream)
  if (own !== null) return goOn(stream, own, options)
  const published = await lastPublished(stream, options)
  if (published !== null) {
    options.logger.warn('own position is missing; going on from what is published', { stream, ...published.from })
    await assertHeld(stream, published.proof, options)
    return at(stream, published.from, options)
  }
  if (options.startFrom === 'end') {
    const last = await lastEntry(options.ledger, stream)
    if (last !== null) {
      // Kept at once: a restart before the first message must not pass over what came in between.
      const position = { revision: last.revision, entryId: last.id, sequence: null }
      await options.positions.save(stream, position)
      return goOn(stream, position, options)
    }
  }
  return { start: { head: emptyHead(stream), topics: null }, from: { revision: 0, sequence: 0 } }
}

async function goOn(stream: string, position: DispatchPosition, options: BeginOptions): Promise<Beginning> {
  await assertHeld(stream, position, options)
  const { revision, sequence } = position
  return at(stream, sequence === null ? { revision: revision + 1, sequence: 0 } : { revision, sequence: sequence + 1 }, options)
}

/** Follows from the entry that holds the place; the hash before it stands in the entry before. */
async function at(stream: string, from: DispatchPlace, { ledger }: BeginOptions): Promise<Beginning> {
  const before = await entryAt(ledger, stream, from.revision - 1)
  const first = await entryAt(ledger, stream, 0)
  if (before === null || first === null) return { start: { head: emptyHead(stream), topics: null }, from }
  const { topics } = JSON.parse(Buffer.from(first.data).toString('utf8')) as { topics: RawTopic[] }
  const { entryHash } = readEntry(before).metadata
  return { start: { head: { stream, revision: before.revision, entryHash }, topics }, from }
}

async function assertHeld(
  stream: string,
  { revision, entryId }: { readonly revision: number; readonly entryId: string },
  { ledger, positions }: BeginOptions,
): Promise<void> {
  let held = await entryAt(ledger, stream, revision)
  // What is missing may be on its way: whoever appended it sends it again until the ledger has it. What is another entry stays one.
  for (const untilMs = performance.now() + MISSING_PATIENCE_MS; held === null && performance.now() < untilMs;) {
    await pause(MISSING_PAUSE_MS)
    held = await entryAt(ledger, stream, revision)
  }
  if (held?.id === entryId) return
  throw new RiskError(
    'journal-mismatch',
    `${stream}@${revision} is ${held === null ? 'not in the ledger' : 'another entry'} than the one that was published (${entryId}): the ledger was replaced or restored. ` +
      `Point the dispatcher at the ledger that it published from; or, to publish this one from its beginning, make the risk topics anew and remove ${positions.placeOf(stream)}.`,
    { retriable: false, context: { stream, revision } },
  )
}

/** The beginning of the newest call on the topic of verdicts, and an entry that its messages stand on. */
async function lastPublished(
  stream: string,
  { tail, topicPartitions, topicPrefix }: BeginOptions,
): Promise<{ readonly from: DispatchPlace; readonly proof: { readonly revision: number; readonly entryId: string } } | null> {
  if (tail === null) return null
  let newest: Awaited<ReturnType<typeof lastPublished>> = null
  for (let partition = 0; partition < topicPartitions; partition++) {
    const topic = `${topicPrefix}${RISK_TOPICS.VerdictPublished}`
    for (const headers of await tail.newest(topic, { partition, maxMessages: TAIL_MESSAGES })) {
      const from = parseBatch(headers[BATCH_HEADER])
      if (headers[STREAM_HEADER] !== stream || from === null) continue
      if (newest !== null && newest.from.sequence >= from.sequence) continue
      newest = { from, proof: { revision: Number(headers[REVISION_HEADER]), entryId: headers[ENTRY_HEADER] } }
    }
  }
  return newest
}

async function entryAt(ledger: Ledger, stream: string, revision: number): Promise<RecordedEntry | null> {
  if (revision < 0) return null
  return firstOf(ledger, stream, { from: revision, direction: 'forwards', maxCount: 1 })
}

/** The last entry of a stream; null where there is none. */
export function lastEntry(ledger: Ledger, stream: string): Promise<RecordedEntry | null> {
  return firstOf(ledger, stream, { from: 'end', direction: 'backwards', maxCount: 1 })
}

async function firstOf(ledger: Ledger, stream: string, options: Parameters<Ledger['readStream']>[1]): Promise<RecordedEntry | null> {
  try {
    for await (const recorded of ledger.readStream(stream, options)) {
      return typeof options.from === 'number' && recorded.revision !== options.from ? null : recorded
    }
  } catch (error) {
    if (!(error instanceof RiskError) || error.code !== 'stream-not-found') throw error
  }
  return null
}
