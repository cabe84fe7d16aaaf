import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RAW_TOPICS, RiskError, type FetchResponse, type ProposedRecord, type RawTopic } from '@riskledger/contracts'
import { encodeRaw } from '@riskledger/events'
import { MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import { screeningStream } from '@riskledger/journal'
import { parsePolicy, type AcceptedPolicy } from '@riskledger/policy'
import { KeptLogger, MemoryEventLog, MemoryLedger, NO_METRICS } from '@riskledger/testing'
import { startPartitionWorker } from './partition-worker'
import { PolicyShelf } from './policy-shelf'
import { takeOver } from './take-over'

const POLICY = accepted(readFileSync(join(__dirname, '../../../policies/default.yaml'), 'utf8'))
const NOW_MS = MINIMAL_EVENTS.payments.eventTimeMs

function accepted(text: string): AcceptedPolicy {
  const result = parsePolicy(text)
  if (result.kind === 'rejected') throw new Error(result.problems[0].message)
  return result
}

function event(topic: 'payments' | 'logins', id: number): ProposedRecord {
  const eventId = `0192f3c4-5b6a-7c8d-9e0f-${String(id).padStart(12, '0')}`
  const value = encodeRaw(topic, { ...MINIMAL_EVENTS[topic], eventId }).slice()
  return ofBytes(topic, value)
}

function ofBytes(topic: RawTopic, value: Uint8Array): ProposedRecord {
  return { topic, partition: 0, brokerTimeMs: NOW_MS, orderTimeMs: undefined, key: Buffer.from('a-0293'), value }
}

let ledger: MemoryLedger
let log: MemoryEventLog
beforeEach(() => {
  ledger = new MemoryLedger()
  log = new MemoryEventLog()
})

function options() {
  return {
    partition: 0,
    partitionCount: 1,
    environment: '',
    workerId: 'w-1',
    engineHash: 'e'.repeat(64),
    ledger,
    snapshots: null,
    policies: new PolicyShelf(ledger, ''),
    policy: POLICY,
    firstPolicy: null,
    logger: new KeptLogger(),
  }
}

/** Screens everything in the log. */
async function screen(): Promise<void> {
  const ends = await Promise.all(RAW_TOPICS.map(async (topic) => (await log.range(topic, 0)).end))
  await new Promise<void>((resolve, reject) => {
    const starting = startPartitionWorker({
      ...options(),
      log,
      checkPolicy: () => undefined,
      pace: { batchInputs: 2, snapshotInputs: 1_000_000 },
      draw: () => null,
      nowMs: () => NOW_MS,
      metrics: NO_METRICS,
      crashPoint: () => undefined,
      onBatch: () => undefined,
      onIdle: (offsets) => {
        if (offsets.join() === ends.join()) starting.then((worker) => worker.stop()).then(resolve, reject)
        else log.wake()
      },
    })
    starting.catch(reject)
  })
}

/** Another log in its place. */
async function replaceBy(records: readonly ProposedRecord[]): Promise<void> {
  log = new MemoryEventLog()
  await log.append(records)
}

const payments = (ids: readonly number[]): ProposedRecord[] => ids.map((id) => event('payments', id))

test('the same log, which goes on, is taken over', async () => {
  await log.append([...payments([1, 2, 3]), event('logins', 9)])
  await screen()
  await log.append(payments([4]))
  expect((await takeOver({ ...options(), log })).fold.tenure!.generation).toBe(2)
})

test.each([
  ['more records', [11, 12, 13, 14, 15]],
  ['as many', [11, 12, 13]],
])('a topic that was made anew with %s is refused by name, before anybody is fenced', async (_, ids) => {
  await log.append(payments([1, 2, 3]))
  await screen()
  const before = ledger.entriesOf(screeningStream(0, 0)).length
  await replaceBy(payments(ids))
  await expect(takeOver({ ...options(), log })).rejects.toMatchObject({
    code: 'log-replaced',
    retriable: false,
    context: { topic: 'payments', partition: 0, offset: 2, sequence: 3 },
    message: expect.stringMatching(/payments, partition 0, .* offset 2 .*deleted and made anew.*restore/) as string,
  })
  expect(ledger.entriesOf(screeningStream(0, 0))).toHaveLength(before)
})

test('a topic that has been silent for many batches is held against its last input, too', async () => {
  await log.append([event('logins', 9), ...payments(Array.from({ length: 60 }, (_, i) => i + 10))])
  await screen()
  const kept = payments(Array.from({ length: 60 }, (_, i) => i + 10))
  await replaceBy([event('logins', 8), ...kept])
  await expect(takeOver({ ...options(), log })).rejects.toMatchObject({ code: 'log-replaced', context: { topic: 'logins', offset: 0 } })
})

test('of an input of which only the digest was kept, that is compared', async () => {
  const large = ofBytes('payments', new Uint8Array(70_000).fill(7))
  await log.append([large])
  await screen()
  await takeOver({ ...options(), log })
  await replaceBy([ofBytes('payments', new Uint8Array(70_000).fill(8))])
  await expect(takeOver({ ...options(), log })).rejects.toMatchObject({ code: 'log-replaced' })
})

test('a record that reads in another framing than when it was journaled tells nothing', async () => {
  await log.append([ofBytes('payments', Uint8Array.of(0, 0, 0, 0, 1, 5, 5)), event('logins', 9)])
  await screen()
  await replaceBy([event('payments', 1), ofBytes('logins', Uint8Array.of(0, 0, 0, 0, 1, 5, 5))])
  await takeOver({ ...options(), log })
})

test('of a digest the length tells whether it may be of the same record in another framing', async () => {
  const framed = (lengthBytes: number): ProposedRecord => ofBytes('payments', new Uint8Array(lengthBytes))
  const plain = (lengthBytes: number): ProposedRecord => ofBytes('payments', new Uint8Array(lengthBytes).fill(7))
  await log.append([framed(70_000)])
  await screen()
  await replaceBy([plain(70_005)])
  await takeOver({ ...options(), log })
  await replaceBy([plain(70_006)])
  await expect(takeOver({ ...options(), log })).rejects.toMatchObject({ code: 'log-replaced' })
})

test('so it does where the record was in no framing of a registry when it was journaled', async () => {
  await log.append([ofBytes('payments', new Uint8Array(70_005).fill(7))])
  await screen()
  await replaceBy([ofBytes('payments', new Uint8Array(70_000))])
  await takeOver({ ...options(), log })
  await replaceBy([ofBytes('payments', new Uint8Array(70_010))])
  await expect(takeOver({ ...options(), log })).rejects.toMatchObject({ code: 'log-replaced' })
})

test('what retention has taken, and what lies in a gap, is not compared', async () => {
  await log.append(payments([1, 2]))
  await screen()
  const taken = new RiskError('offset-out-of-range', 'gone', { retriable: false })
  await takeOver({ ...options(), log: { range: log.range.bind(log), fetch: () => Promise.reject(taken) } })
  log = new MemoryEventLog()
  log.skip('payments', 0, 3)
  await log.append(payments([5]))
  await takeOver({ ...options(), log })
})

test('a log that does not answer is not taken for another', async () => {
  await log.append(payments([1]))
  await screen()
  const silent = new RiskError('log-unavailable', 'no answer', { retriable: true })
  const fetch = (): Promise<FetchResponse> => Promise.reject(silent)
  await expect(takeOver({ ...options(), log: { range: log.range.bind(log), fetch } })).rejects.toBe(silent)
})

test('one record of each topic that has inputs is fetched, all at once', async () => {
  await log.append([...payments([1, 2]), event('logins', 9), ofBytes('unparsable', Uint8Array.of(1))])
  await screen()
  const asked: string[] = []
  const release: (() => void)[] = []
  const taking = takeOver({
    ...options(),
    log: {
      range: log.range.bind(log),
      fetch: async (request) => {
        asked.push(`${request.topic}@${request.fromOffset} ${request.maxRecords}`)
        await new Promise<void>((resolve) => {
          release.push(resolve)
          if (release.length === 3) for (const go of release) go()
        })
        return log.fetch(request)
      },
    },
  })
  await taking
  expect(asked.sort()).toEqual(['logins@0 1', 'payments@1 1', 'unparsable@0 1'])
})
