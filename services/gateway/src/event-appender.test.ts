import type { ProposedRecord } from '@riskledger/contracts'
import { MemoryEventLog } from '@riskledger/testing'
import { EventAppender } from './event-appender'
import { CountingLog } from './testing/counting-log'

function record(bytes = 100): ProposedRecord {
  return { topic: 'payments', partition: 0, brokerTimeMs: 1, orderTimeMs: undefined, key: null, value: new Uint8Array(bytes) }
}

/** Appends one record, and returns once it is on its way. */
async function under(log: CountingLog, appender: EventAppender): Promise<{ readonly appended: Promise<readonly number[]> }> {
  const appended = appender.append([record()])
  while (log.groups.length === 0) await new Promise((resolve) => setImmediate(resolve))
  return { appended }
}

/** Lets everything go until the promise is settled. */
async function settle<T>(log: CountingLog, promise: Promise<T>): Promise<T> {
  let settled = false
  void promise.finally(() => (settled = true)).catch(() => undefined)
  while (!settled) {
    log.letGo()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return promise
}

test('what comes while an append is under way goes together, and each gets its own offsets', async () => {
  const log = new CountingLog(true)
  const appender = new EventAppender(log, { maxPendingBytes: 1e6 })
  const { appended: first } = await under(log, appender)
  const appended = [1, 1, 1, 2, 3, 1].map((count) => appender.append(Array.from({ length: count }, () => record())))
  const offsets = await settle(log, Promise.all([first, ...appended]))
  expect(log.groups).toEqual([1, 9])
  expect(offsets).toEqual([[0], [1], [2], [3], [4, 5], [6, 7, 8], [9]])
  expect(appender.bytes).toBe(0)
})

test('what comes in one turn of the event loop goes together, and others are told right after', async () => {
  const log = new CountingLog(true)
  const told: number[] = []
  const appender = new EventAppender(log, { maxPendingBytes: 1e6, alongWithGroup: () => told.push(log.groups.length) })
  await settle(log, Promise.all([1, 2, 3].map((count) => appender.append(Array.from({ length: count }, () => record())))))
  expect(log.groups).toEqual([6])
  expect(told).toEqual([1])
})

test('groups stay within 1 MiB', async () => {
  const log = new CountingLog(true)
  const appender = new EventAppender(log, { maxPendingBytes: 1e8 })
  const appended = Array.from({ length: 9 }, () => appender.append([record(400_000)]))
  await settle(log, Promise.all(appended))
  expect(log.groups).toEqual([2, 2, 2, 2, 1])
})

test('past the limit it refuses at once; one larger than the limit goes alone', async () => {
  const log = new CountingLog(true)
  const appender = new EventAppender(log, { maxPendingBytes: 150 })
  const first = appender.append([record(500)])
  await expect(appender.append([record(1)])).rejects.toMatchObject({ code: 'limit-reached', retriable: true })
  await settle(log, first)
  await settle(log, appender.append([record(1)]))
})

test('a failure reaches all of its group and nobody else', async () => {
  const log = new MemoryEventLog()
  const append = log.append.bind(log)
  let calls = 0
  log.append = (records) => (++calls === 2 ? Promise.reject(new Error('full')) : append(records))
  const appender = new EventAppender(log, { maxPendingBytes: 1e6 })
  await appender.append([record()])
  const results = await Promise.allSettled(Array.from({ length: 6 }, () => appender.append([record()])))
  expect(results.map(({ status }) => status)).toEqual(Array<string>(6).fill('rejected'))
  expect(appender.bytes).toBe(0)
  await appender.append([record()])
})

test('it is drained once nothing is on its way', async () => {
  const log = new CountingLog(true)
  const appender = new EventAppender(log, { maxPendingBytes: 1e6 })
  await appender.drained()
  const { appended: first } = await under(log, appender)
  const appended = [first, appender.append([record()])]
  let drained = false
  const draining = appender.drained().then(() => (drained = true))
  log.letGo()
  await appended[0]
  expect(drained).toBe(false)
  await settle(log, Promise.all([...appended, draining]))
})
