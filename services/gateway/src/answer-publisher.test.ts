import { RiskError } from '@riskledger/contracts'
import { KeptLogger, NO_METRICS } from '@riskledger/testing'
import { AnswerPublisher, type Told } from './answer-publisher'
import { CountingLog } from './testing/counting-log'

const TOLD: Told = {
  accountId: 'a',
  traceId: null,
  inputEventId: '0192f3c4-5b6a-7c8d-9e0f-a1b2c3d4e5f6',
  verdict: 'allow',
  fallback: false,
  latencyMs: 1,
  deadlineMs: 150,
}

function publisher(log: CountingLog): AnswerPublisher {
  const of = { partitionCount: 1, source: 'gateway', nowMs: () => 1_800_000_000_000, logger: new KeptLogger(), metrics: NO_METRICS }
  return new AnswerPublisher({ log, ...of })
}

async function taken(log: CountingLog, groups: number): Promise<void> {
  while (log.groups.length < groups) await new Promise((resolve) => setImmediate(resolve))
}

test('answers wait for events to go along with, and go with them in the same breath', async () => {
  const log = new CountingLog()
  const answers = publisher(log)
  for (let i = 0; i < 3; i++) answers.publish(TOLD)
  expect(log.groups).toEqual([])
  answers.sendNow()
  expect(log.groups).toEqual([3])
  await answers.close(1_000)
  answers.sendNow()
  expect(log.groups).toEqual([3])
})

test('without events they go by themselves', async () => {
  const log = new CountingLog()
  const answers = publisher(log)
  answers.publish(TOLD)
  await taken(log, 1)
  expect(log.groups).toEqual([1])
  await answers.close(1_000)
})

test('one group is under way at a time; what comes meanwhile goes together after it', async () => {
  const log = new CountingLog(true)
  const answers = publisher(log)
  answers.publish(TOLD)
  answers.sendNow()
  for (let i = 0; i < 4; i++) answers.publish(TOLD)
  answers.sendNow()
  expect(log.groups).toEqual([1])
  log.holds = false
  log.letGo()
  await answers.close(1_000)
  expect(log.groups).toEqual([1, 4])
})

test('what the log does not take for now is sent again, together with what came since', async () => {
  const log = new CountingLog()
  log.failures.push(new RiskError('log-unavailable', 'no broker answers', { retriable: true }))
  const answers = publisher(log)
  answers.publish(TOLD)
  answers.sendNow()
  answers.publish(TOLD)
  await taken(log, 2)
  expect(log.groups).toEqual([1, 2])
  await answers.close(1_000)
  expect((await log.range('answers', 0)).end).toBe(2)
})

test('a group that fails after the end is lost, and that is counted and said', async () => {
  let fail: () => void = () => undefined
  const log = new CountingLog()
  log.append = () => new Promise((_resolve, reject) => (fail = () => reject(new RiskError('cancelled', 'closed', { retriable: true }))))
  const logger = new KeptLogger()
  const lost: number[] = []
  const metrics = { ...NO_METRICS, count: (name: string, by: number) => void (name.endsWith('answers_lost_total') && lost.push(by)) }
  const answers = new AnswerPublisher({ log, partitionCount: 1, source: 'gateway', nowMs: () => 1_800_000_000_000, logger, metrics })
  for (let i = 0; i < 3; i++) answers.publish(TOLD)
  answers.sendNow()
  await answers.close(0)
  expect(lost).toEqual([])
  fail()
  await new Promise((resolve) => setImmediate(resolve))
  expect(lost).toEqual([3])
  expect(logger.lines).toMatchObject([{ level: 'error', fields: { answers: 3, reason: 'closed' } }])
})
