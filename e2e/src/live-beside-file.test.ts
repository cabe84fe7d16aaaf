import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { partitionFor, RAW_TOPICS, type ProposedRecord } from '@riskledger/contracts'
import { encodeRaw } from '@riskledger/events'
import { MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import {
  decodeInputsScreened,
  decodeRelationsLearned,
  readEntry,
  relationsStream,
  screeningStream,
  type LearnedFact,
} from '@riskledger/journal'
import { relationsOptions } from '@riskledger/relations'
import { runRelations } from '@riskledger/relations-service'
import { startPartitionWorker, type PartitionWorker } from '@riskledger/screener'
import { KeptLogger, MemoryEventLog, MemoryLedger, MemorySnapshots, NO_METRICS } from '@riskledger/testing'
import { policyOf, workerOptions } from './pipeline-in-process'

const POLICY = policyOf(join(__dirname, '../../policies/default.yaml'))
const HOUR_MS = 3_600_000
const NOW_MS = Date.UTC(2026, 10, 1)
/** Turns of the event loop in which everything comes to rest; far more than any test here needs. */
const MOST_TURNS = 2_000
const SOURCE = { sourceId: 'file', emissions: 1, startedAtMs: NOW_MS }

/** Screeners of all partitions and relations, over a log and a ledger in memory. */
class House {
  readonly log: MemoryEventLog
  readonly ledger = new MemoryLedger()
  private workers: PartitionWorker[] = []
  private idle: (readonly number[])[] = []
  private readonly leaving = new AbortController()
  private relations: Promise<void> | undefined

  constructor(readonly partitionCount: number) {
    this.log = new MemoryEventLog(partitionCount)
  }

  /** Starts the screeners, again where they were stopped; relations with the first start. */
  async start(): Promise<void> {
    for (let partition = 0; partition < this.partitionCount; partition++) {
      this.idle[partition] = []
      const worker = await startPartitionWorker(
        workerOptions({
          partition,
          partitionCount: this.partitionCount,
          log: this.log,
          ledger: this.ledger,
          policy: POLICY,
          nowMs: () => NOW_MS,
          onIdle: (nextOffsets) => (this.idle[partition] = [...nextOffsets]),
        }),
      )
      this.workers.push(worker)
    }
    const { relations, state } = POLICY.policy
    this.relations ??= runRelations({
      ledger: this.ledger,
      partitionCount: this.partitionCount,
      environment: '',
      engineHash: 'e'.repeat(64),
      codeHash: 'e'.repeat(64),
      epochMs: relations.epochMs,
      state: relationsOptions({ ...state, maxAccounts: 1_000, maxRemembered: 1_000 }),
      snapshots: new MemorySnapshots(),
      snapshotPace: { snapshotInputs: 100 },
      nowMs: () => NOW_MS,
      logger: new KeptLogger(),
      metrics: NO_METRICS,
      signal: this.leaving.signal,
    })
  }

  async stopWorkers(): Promise<void> {
    await Promise.all(this.workers.splice(0).map((worker) => worker.stop()))
  }

  async close(): Promise<void> {
    await this.stopWorkers()
    this.leaving.abort()
    await this.relations
  }

  /** Resolves once everything in the log is in the journals; rejects where that takes far longer than ever. */
  async drained(): Promise<void> {
    const ends = await Promise.all(
      this.idle.map(async (_, partition) => Promise.all(RAW_TOPICS.map(async (topic) => (await this.log.range(topic, partition)).end))),
    )
    for (let turn = 0; this.idle.join(' ') !== ends.join(' '); turn++) {
      if (turn === MOST_TURNS) throw new Error(`stuck at ${this.idle.join(' ')} of ${ends.join(' ')}`)
      this.log.wake()
      await setImmediate()
    }
  }

  /** Facts that relations have told so far. */
  learned(): readonly LearnedFact[] {
    const entries = Array.from({ length: this.partitionCount }, (_, partition) => this.ledger.entriesOf(relationsStream(partition))).flat()
    return entries.flatMap((entry) => decodeRelationsLearned(readEntry(entry).data).facts)
  }

  /** Inputs of a partition's journal that came of a file. */
  fileInputs(partition: number): number {
    let count = 0
    for (const entry of this.ledger.entriesOf(screeningStream(partition, 0)))
      if (entry.type === 'InputsScreened')
        decodeInputsScreened(readEntry(entry).data).forEachInput((input) => {
          if (input.orderLagMs !== null) count++
        })
    return count
  }
}

let nextId = 0

function payment(
  accountId: string,
  partitionCount: number,
  at: { readonly eventTimeMs: number; readonly ofFile: boolean },
): ProposedRecord {
  const { eventTimeMs, ofFile } = at
  const eventId = `0192f3c4-5b6a-7c8d-9e0f-${String(++nextId).padStart(12, '0')}`
  const event = {
    ...MINIMAL_EVENTS.payments,
    eventId,
    paymentId: `p-${nextId}`,
    accountId,
    eventTimeMs,
    counterpartyId: ofFile ? 'shop-of-file' : 'shop',
  }
  const key = Buffer.from(accountId)
  return {
    topic: 'payments',
    partition: partitionFor(key, partitionCount),
    brokerTimeMs: eventTimeMs,
    orderTimeMs: ofFile ? eventTimeMs : undefined,
    key,
    value: encodeRaw('payments', event).slice(),
  }
}

/** An account on each partition. */
function accountsOf(partitionCount: number): readonly string[] {
  const accounts: string[] = []
  for (let i = 0; accounts.filter(Boolean).length < partitionCount; i++)
    accounts[partitionFor(Buffer.from(`a-${i}`), partitionCount)] = `a-${i}`
  return accounts
}

let house: House
afterEach(() => house.close())

test.each([1, 2])('with %d partition(s), a file of last month goes in after live input and a restart', async (partitionCount) => {
  house = new House(partitionCount)
  const accounts = accountsOf(partitionCount)
  await house.log.append(accounts.map((account) => payment(account, partitionCount, { eventTimeMs: NOW_MS, ofFile: false })))
  await house.start()
  await house.drained()
  await house.stopWorkers()
  const records = Array.from({ length: 48 }, (_, hour) =>
    payment(accounts[0], partitionCount, { eventTimeMs: NOW_MS - (800 - hour) * HOUR_MS, ofFile: true }),
  )
  await house.log.append(records, { ...SOURCE, orderTimeMs: NOW_MS - 753 * HOUR_MS, done: true })
  await house.start()
  await house.drained()
  expect(house.fileInputs(0)).toBe(48)
})

test('a file beside live input on the same partitions: what the file teaches behind the clock is learned at once, and nothing waits', async () => {
  house = new House(2)
  const accounts = accountsOf(2)
  await house.start()
  // The first live input stands before the file's in their topic, so the file comes behind the clock of both partitions.
  await house.log.append(accounts.map((account) => payment(account, 2, { eventTimeMs: NOW_MS, ofFile: false })))
  await house.drained()
  const file = Array.from({ length: 60 }, (_, at) =>
    payment(accounts[at % 2], 2, { eventTimeMs: NOW_MS - (60 - at) * 50_000, ofFile: true }),
  )
  for (const [at, record] of file.entries()) {
    await house.log.append([record], { ...SOURCE, orderTimeMs: record.orderTimeMs!, done: at === file.length - 1 })
    await house.log.append([payment(accounts[at % 2], 2, { eventTimeMs: NOW_MS - at * 1_000, ofFile: false })])
  }
  await house.drained()
  expect([house.fileInputs(0), house.fileInputs(1)]).toEqual([30, 30])
  for (let turn = 0; turn < MOST_TURNS && !house.learned().some(({ keyToken }) => keyToken === 'shop-of-file'); turn++) await setImmediate()
  const ofFile = house.learned().filter(({ keyToken }) => keyToken === 'shop-of-file')
  expect(new Set(ofFile.map(({ epoch }) => epoch))).toEqual(new Set([-1]))
})
