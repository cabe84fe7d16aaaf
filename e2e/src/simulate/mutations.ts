import {
  RiskError,
  type EventLog,
  type FetchResponse,
  type Ledger,
  type ProposedEntry,
  type RiskErrorCode,
  type Snapshot,
  type SnapshotStore,
  type SubscriptionMessage,
} from '@riskledger/contracts'
import { emptyHead, readEntry, readMetadata, sealEntry } from '@riskledger/journal'
import type { WorkerOptions } from '@riskledger/screener'
import { SimulatedLedger, type AppendRequest, type PendingCalls } from '@riskledger/testing'

/** A known error, put into the ports around product code: the checks must find it. */
export interface Mutation {
  readonly name: string
  readonly ledger?: (calls: PendingCalls) => SimulatedLedger
  readonly worker?: (options: WorkerOptions) => WorkerOptions
  readonly relationsLedger?: (ledger: Ledger) => Ledger
}

/** Every known error. */
export const MUTATIONS: readonly Mutation[] = [
  { name: 'a ledger that ignores the expected revision', ledger: (calls) => new IndifferentLedger(calls) },
  { name: 'a ledger that tells success to an append that comes too late', ledger: (calls) => new FlatteringLedger(calls) },
  {
    name: 'a worker that sends a batch under a new revision after an unknown outcome',
    worker: (options) => appending(options, resendAtEnd),
  },
  { name: 'a worker that goes on though it was fenced', worker: (options) => appending(options, deaf) },
  { name: 'a worker that takes an unknown outcome for success', worker: (options) => appending(options, hopeful) },
  { name: 'a worker that leaves a decision out', worker: (options) => appending(options, forgetful) },
  {
    name: 'a log that skips a record silently',
    worker: (options) => ({ ...options, log: withFetch(options.log, (response) => ({ ...response, records: response.records.slice(1) })) }),
  },
  {
    name: 'a log that gives a record twice',
    worker: (options) => ({
      ...options,
      log: withFetch(options.log, (response) => ({ ...response, records: [...response.records, ...response.records.slice(-1)] })),
    }),
  },
  {
    name: 'a log that does not tell of gaps',
    worker: (options) => ({ ...options, log: withFetch(options.log, (response) => ({ ...response, gaps: [] })) }),
  },
  {
    name: 'a log that gives a byte more than was published',
    worker: (options) => ({
      ...options,
      log: withFetch(options.log, (response) => ({
        ...response,
        records: response.records.map((record) => ({ ...record, value: Buffer.concat([record.value, Uint8Array.of(0)]) })),
      })),
    }),
  },
  {
    name: 'a log that is said to begin where it ends',
    worker: (options) => ({ ...options, log: { ...options.log, range: (...place) => rangeOfNothing(options.log, ...place) } }),
  },
  {
    name: 'snapshots whose state is older than they say',
    worker: (options) => ({ ...options, pace: { ...options.pace, snapshotInputs: 1 }, snapshots: misplaced(options) }),
  },
  {
    name: 'challenges drawn by chance',
    worker: (options) => ({ ...options, draw: () => (options.randomBytes!(1)[0] < 64 ? Uint8Array.of(1, 2, 3, 4) : null) }),
  },
  { name: 'relations that hear an entry twice', relationsLedger: echoing },
]

function appending(options: WorkerOptions, how: (ledger: Ledger) => Append): WorkerOptions {
  return { ...options, ledger: withAppend(options.ledger, how(options.ledger)) }
}

/** Appends at the end, wherever the sender believes that to be. */
class IndifferentLedger extends SimulatedLedger {
  override land(request: AppendRequest): number {
    const held = this.streams.entriesOf(request.stream)
    if (held.some(({ id }) => id === request.entries[0].id)) return super.land(request)
    return super.land({ ...request, expected: held.length === 0 ? 'no-stream' : held.length - 1 })
  }
}

/** Answers with success what it has refused. */
class FlatteringLedger extends SimulatedLedger {
  override land(request: AppendRequest): number {
    try {
      return super.land(request)
    } catch (error) {
      if (!(error instanceof RiskError) || !isBatch(request.entries)) throw error
      return (request.expected === 'no-stream' ? -1 : request.expected) + request.entries.length
    }
  }
}

type Append = Ledger['append']

/** Seals a batch anew behind whatever is last, and sends it. */
async function sendAtEnd(ledger: Ledger, stream: string, entries: readonly ProposedEntry[]): Promise<number> {
  let head = emptyHead(stream)
  for await (const last of ledger.readStream(stream, { from: 'end', direction: 'backwards', maxCount: 1 })) {
    head = { stream, revision: last.revision, entryHash: readMetadata(last.metadata)!.entryHash }
  }
  const { revision } = head
  const resealed = entries.map((entry) => {
    const { data, metadata } = readEntry({ ...entry, stream, revision: 0, createdMs: 0 })
    const deflated = metadata.encoding === undefined ? {} : { deflated: entry.data }
    const sealed = sealEntry(head, { type: entry.type, contentType: entry.contentType, data, ...deflated, metadata })
    head = sealed.head
    return sealed.proposed
  })
  return await ledger.append(stream, revision, resealed)
}

function resendAtEnd(ledger: Ledger): Append {
  return insteadOf(ledger, 'append-outcome-unknown', (stream, _, entries) => sendAtEnd(ledger, stream, entries))
}

/** Refused, it appends behind whoever was faster. */
function deaf(ledger: Ledger): Append {
  return insteadOf(ledger, 'wrong-expected-revision', (stream, _, entries) => sendAtEnd(ledger, stream, entries))
}

function hopeful(ledger: Ledger): Append {
  return insteadOf(ledger, 'append-outcome-unknown', (_, expected, entries) => Promise.resolve(Number(expected) + entries.length))
}

/** Does something else where the append of a batch fails with this code. */
function insteadOf(ledger: Ledger, code: RiskErrorCode, otherwise: Append): Append {
  return async (stream, expected, entries) => {
    try {
      return await ledger.append(stream, expected, entries)
    } catch (error) {
      if (!(error instanceof RiskError) || error.code !== code || !isBatch(entries)) throw error
      return await otherwise(stream, expected, entries)
    }
  }
}

function forgetful(ledger: Ledger): Append {
  return (stream, expected, entries) =>
    ledger.append(stream, expected, isBatch(entries) && entries.length > 1 ? entries.slice(0, -1) : entries)
}

function isBatch(entries: readonly ProposedEntry[]): boolean {
  return entries[0].type === 'InputsScreened'
}

function withAppend(ledger: Ledger, append: Append): Ledger {
  return {
    append,
    readStream: (stream, options) => ledger.readStream(stream, options),
    readAll: (options) => ledger.readAll(options),
    subscribeToStream: (stream, options) => ledger.subscribeToStream(stream, options),
    subscribeToAll: (options) => ledger.subscribeToAll(options),
    close: () => ledger.close(),
  }
}

/** Changes what a log answers, where it gives at least two records. */
function withFetch(log: EventLog, change: (response: FetchResponse) => FetchResponse): EventLog {
  return {
    ...log,
    fetch: async (request) => {
      const response = await log.fetch(request)
      return response.records.length > 1 || response.gaps.length > 0 ? change(response) : response
    },
  }
}

async function rangeOfNothing(log: EventLog, ...place: Parameters<EventLog['range']>): ReturnType<EventLog['range']> {
  const { end } = await log.range(...place)
  return { start: end, end }
}

/** The newest snapshot with the state of the one before it. */
function misplaced({ snapshots }: WorkerOptions): SnapshotStore {
  return {
    save: (name, snapshot) => snapshots!.save(name, snapshot),
    async *load(name) {
      const kept: Snapshot[] = []
      for await (const snapshot of snapshots!.load(name)) kept.push(snapshot)
      if (kept.length > 1) yield { ...kept[0], state: kept[1].state }
    },
    newest: (name) => snapshots!.newest(name),
    close: () => snapshots!.close(),
  }
}

/** Every third entry of a subscription comes twice. */
function echoing(ledger: Ledger): Ledger {
  async function* twice(messages: AsyncIterable<SubscriptionMessage>): AsyncGenerator<SubscriptionMessage, void, undefined> {
    let count = 0
    for await (const message of messages) {
      yield message
      if (message.kind === 'entry' && message.entry.type === 'InputsScreened' && ++count % 3 === 0) yield message
    }
  }
  return {
    ...withAppend(ledger, (...append) => ledger.append(...append)),
    subscribeToAll: (options) => twice(ledger.subscribeToAll(options)),
  }
}
