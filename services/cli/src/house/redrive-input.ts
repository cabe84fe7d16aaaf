import { partitionFor, RAW_TOPICS, RiskError, type EventLog, type EventTopic, type Ledger } from '@riskledger/contracts'
import { encodeRaw, readOrigin, UUID_NAMESPACES, uuidV5, validateRaw, type RawInputs } from '@riskledger/events'
import { screeningStream } from '@riskledger/journal'
import { openInputIndex, type InputIndex } from './input-index'
import { countsFile, readJournalStatus } from './journal-status'
import type { DraftFields, RefusedInput } from './refused-event'

/** Times that one input can be sent again. */
const MAX_ATTEMPTS = 100
const FETCH_RECORDS = 4_096
const FETCH_BYTES = 4 * 1024 * 1024

/** The event that stands in for a refused input. */
export interface Repair {
  readonly topic: EventTopic
  readonly fields: DraftFields
}

/** What sending an input again stands on. */
export interface RedriveOptions {
  readonly ledger: Ledger
  /** Where the new event goes; nobody else may be writing what it holds of the refused input's repairs. */
  readonly log: EventLog
  readonly dataDir: string
  readonly environment: string
  readonly nowMs: () => number
  /** True sends one again that was sent before, as another new event. */
  readonly again: boolean
}

/** A new event in the log. */
export interface Redriven {
  /** `<partition>/<sequence>` of the refused input. */
  readonly redriveOf: string
  /** From 1; more than 1 where it was sent before. */
  readonly attempt: number
  readonly topic: EventTopic
  readonly eventId: string
  readonly traceId: string
  readonly partition: number
  readonly offset: number
}

/**
 * Checks a repaired event and appends it as a new one, whose `traceId` names the refused input as `redrive-of:<partition>/<sequence>`. Its id derives
 * from that input and the attempt: so whether it was sent before shows in journal and log, and a crash in between leaves no second one.
 * Throws `configuration-invalid` for an event that its schema does not allow, naming every field, and for one that was sent before unless `again`.
 */
export async function redriveInput(refused: RefusedInput, repair: Repair, options: RedriveOptions): Promise<Redriven> {
  const { partition, sequence } = refused.found
  const redriveOf = `${partition}/${sequence}`
  const traceId = `redrive-of:${redriveOf}`
  // Checked with an id that is surely one, before anything is looked up.
  checked(repair, { eventId: idOf(refused, 1), traceId })
  const attempt = await nextAttempt(refused, repair.topic, options)
  if (attempt > 1 && !options.again) {
    throw new RiskError(
      'configuration-invalid',
      `Input ${redriveOf} was sent again before, as event ${idOf(refused, attempt - 1)}. Look at that one with riskledger explain once it is screened; --again sends another.`,
      { retriable: false, context: { partition, sequence } },
    )
  }
  const eventId = idOf(refused, attempt)
  const event = checked(repair, { eventId, traceId })
  const { accountId } = event as { readonly accountId: string }
  const key = Buffer.from(accountId)
  const home = partitionFor(key, options.log.partitionCount)
  const value = encodeRaw(repair.topic, event as RawInputs[EventTopic]).slice()
  const brokerTimeMs = options.nowMs()
  const [offset] = await options.log.append([{ topic: repair.topic, partition: home, brokerTimeMs, orderTimeMs: undefined, key, value }])
  return { redriveOf, attempt, topic: repair.topic, eventId, traceId, partition: home, offset }
}

function checked({ topic, fields }: Repair, own: { readonly eventId: string; readonly traceId: string }): unknown {
  const result = validateRaw(topic, { ...leaveOutNull(fields), ...own })
  if (result.kind === 'accepted') return result.event
  const problems = result.problems.map(({ message }) => message).join('; ')
  throw new RiskError(
    'configuration-invalid',
    `The repaired event is still none of ${topic}: ${problems}. Repair it with --set field=value, or give it whole with --event.`,
    { retriable: false },
  )
}

function leaveOutNull(fields: DraftFields): DraftFields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))
}

function idOf({ found }: RefusedInput, attempt: number): string {
  return uuidV5(UUID_NAMESPACES.redrivenEvent, Buffer.from(`${found.entry.id}|${found.sequence}|${attempt}`))
}

/** The first attempt of which neither the journals nor what the log holds behind them know anything. */
async function nextAttempt(refused: RefusedInput, topic: EventTopic, options: RedriveOptions): Promise<number> {
  const { ledger, dataDir, environment, log } = options
  const index = await openInputIndex({ ledger, dataDir, partitions: log.partitionCount, environment })
  try {
    const waiting = await waitingIds(options)
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const id = idOf(refused, attempt)
      if (!waiting.has(id) && !isJournaled(index, id)) return attempt
    }
  } finally {
    await index.close()
  }
  throw new RiskError('limit-reached', `The input was sent again ${MAX_ATTEMPTS} times, on ${topic} last; that is the limit.`, {
    retriable: false,
  })
}

function isJournaled(index: InputIndex, id: string): boolean {
  return (['event', 'again', 'refused'] as const).some((kind) => index.get(kind, id) !== undefined)
}

/** Ids of the redriven events that are in the log and not in a journal yet. */
async function waitingIds({ ledger, log, dataDir, environment }: RedriveOptions): Promise<ReadonlySet<string>> {
  const ids = new Set<string>()
  for (let partition = 0; partition < log.partitionCount; partition++) {
    const stream = screeningStream(partition, 0, environment)
    const { topics, nextOffsets } = await readJournalStatus(stream, { ledger, cacheFile: countsFile(dataDir, stream) })
    for (const topic of RAW_TOPICS) {
      if (topic === 'unparsable') continue
      const { start, end } = await log.range(topic, partition)
      let fromOffset = Math.max(start, nextOffsets[topics.indexOf(topic)] ?? start)
      while (fromOffset < end) {
        const fetched = await log.fetch({ topic, partition, fromOffset, maxRecords: FETCH_RECORDS, maxBytes: FETCH_BYTES })
        for (const { value } of fetched.records) {
          const { eventId } = readOrigin(topic, value)
          if (eventId !== null && isDerived(eventId)) ids.add(eventId)
        }
        fromOffset = fetched.nextOffset
      }
    }
  }
  return ids
}

/** Of all ids only derived ones (version 5) can be a redriven event's: a long backlog is not held in memory. */
function isDerived(eventId: string): boolean {
  return eventId[14] === '5'
}
