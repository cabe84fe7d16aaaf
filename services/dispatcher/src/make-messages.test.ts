import { createHash } from 'node:crypto'
import { partitionFor } from '@riskledger/contracts'
import { decodeRisk, QUARANTINE_REASONS, type QuarantinePublished, type VerdictPublished } from '@riskledger/events'
import type { OutgoingMessage } from './publisher'
import { DispatcherBench } from './testing/dispatcher-bench'
import { eventIdOf, MadeLedger, payment, paymentBody, POLICY_HASH, type MadeInput } from './testing/made-ledger'

async function published(inputs: readonly MadeInput[], options: Parameters<DispatcherBench['run']>[1] = {}): Promise<DispatcherBench> {
  const made = new MadeLedger()
  await made.open(0)
  await made.screen(0, inputs)
  const bench = new DispatcherBench(made)
  await bench.run(() => bench.broker.calls.flat().filter(({ topic }) => topic.endsWith('verdicts')).length >= inputs.length, options)
  return bench
}

function verdictOf(message: OutgoingMessage): VerdictPublished {
  const decoded = decodeRisk('VerdictPublished', message.value)
  if (decoded.kind === 'rejected') throw new Error(decoded.detail)
  return decoded.event
}

function refusalOf(message: OutgoingMessage): QuarantinePublished {
  const decoded = decodeRisk('QuarantinePublished', message.value)
  if (decoded.kind === 'rejected') throw new Error(decoded.detail)
  return decoded.event
}

test('a verdict with its decision: value, key, partition and headers', async () => {
  const { broker } = await published([payment('a-7', 1), payment('a-7', 2, 'hold')], { topicPartitions: 5 })
  const partition = partitionFor(Buffer.from('a-7'), 5)
  const [allowed, held] = broker.messagesOf('risk.verdicts', partition)
  expect(verdictOf(held)).toMatchObject({
    partition: 0,
    sequence: 2,
    topic: 'payments',
    offset: 1,
    eventId: eventIdOf(2),
    accountId: 'a-7',
    status: 'screened',
    verdict: 'hold',
    scorePoints: 742,
    reasonCodes: ['amount-deviation', 'velocity'],
    lateByMs: null,
    policyHash: Buffer.from(POLICY_HASH, 'hex'),
  })
  expect(Buffer.from(held.key!).toString()).toBe('a-7')
  const uuid = expect.stringMatching(/^[0-9a-f-]{36}$/) as string
  expect(held.headers).toEqual({
    'riskledger-id': uuid,
    'riskledger-event-id': eventIdOf(2),
    'riskledger-decision-id': verdictOf(held).decisionId,
    'riskledger-stream': 'screening-000.0000',
    'riskledger-revision': '2',
    'riskledger-entry-id': uuid,
    'riskledger-batch': '2/1',
  })
  expect(verdictOf(allowed)).toMatchObject({ verdict: 'allow', scorePoints: 3, decisionId: null, reasonCodes: [] })
  expect(allowed.headers['riskledger-decision-id']).toBeUndefined()
  expect(allowed.headers['riskledger-id']).not.toBe(held.headers['riskledger-id'])
})

test('every status is told, with what belongs to it', async () => {
  const { broker } = await published([
    { topic: 'payments', body: paymentBody('a-1', 1), status: 'late', lateByMs: 7_200_000, scorePoints: 40 },
    { topic: 'payments', body: paymentBody('a-1', 2), status: 'duplicate', firstSequence: 1 },
    { topic: 'payments', body: paymentBody('a-1', 3), status: 'conflicting', firstSequence: 1 },
    { topic: 'outcomes', body: paymentBody('a-1', 4), status: 'observed' },
  ])
  const told = broker.messagesOf('risk.verdicts').map((message) => verdictOf(message))
  expect(
    told.map(({ status, verdict, scorePoints, lateByMs, firstSequence }) => [status, verdict, scorePoints, lateByMs, firstSequence]),
  ).toEqual([
    ['late', null, 40, 7_200_000, null],
    ['duplicate', null, null, null, 1],
    ['conflicting', null, null, null, 1],
    ['observed', null, null, null, null],
  ])
  expect(broker.messagesOf('risk.quarantine')).toEqual([])
})

test.each(QUARANTINE_REASONS)('a refusal for %s is told to its publisher in words, without its bytes', async (reason) => {
  const body = paymentBody('a-1', 1)
  const { broker } = await published([{ topic: 'payments', body, status: 'quarantined', reason }])
  const [verdict] = broker.messagesOf('risk.verdicts')
  expect(verdictOf(verdict)).toMatchObject({ status: 'quarantined', verdict: null, scorePoints: null })
  const [refused] = broker.messagesOf('risk.quarantine')
  expect(refusalOf(refused)).toMatchObject({
    topic: 'payments',
    offset: 0,
    sequence: 1,
    reason,
    source: 'checkout',
    accountId: 'a-1',
    valueSha256: createHash('sha256').update(body).digest(),
    valueLengthBytes: body.length,
  })
  expect(refusalOf(refused).advice).toMatch(/^[A-Z].*\. [A-Z].*\.$/)
  expect(Buffer.from(refused.value).includes(Buffer.from(body.subarray(40)))).toBe(false)
  expect(refused.headers['riskledger-id']).not.toBe(verdict.headers['riskledger-id'])
})

test('what tells no account has no key and goes to the partition of its journal', async () => {
  const { broker } = await published(
    [
      { topic: 'unparsable', body: Buffer.from('{"half":'), status: 'quarantined', reason: 'not-json' },
      { topic: 'logins', body: 70_000, status: 'quarantined', reason: 'oversized' },
    ],
    { topicPartitions: 3, topicPrefix: 'test.' },
  )
  for (const topic of ['test.risk.verdicts', 'test.risk.quarantine']) {
    const messages = broker.messagesOf(topic, 0)
    expect(messages.map(({ key }) => key)).toEqual([null, null])
    expect(messages[0].headers['riskledger-event-id']).toBeUndefined()
  }
  const [unparsable, oversized] = broker.messagesOf('test.risk.quarantine', 0).map((message) => refusalOf(message))
  expect(unparsable).toMatchObject({ topic: 'unparsable', accountId: null, eventId: null, source: null, valueLengthBytes: 8 })
  expect(oversized).toMatchObject({ topic: 'logins', valueLengthBytes: 70_000 })
  expect(Buffer.from(oversized.valueSha256)).toEqual(createHash('sha256').update('70000').digest())
})

test('the same input has the same ids and values however calls fall', async () => {
  const inputs: MadeInput[] = [
    ...Array.from({ length: 9 }, (_, index) => payment(`a-${index % 2}`, index + 1, index % 3 === 0 ? 'block' : 'allow')),
    { topic: 'unparsable', body: Buffer.from('x'), status: 'quarantined', reason: 'not-json' },
  ]
  const [few, many] = await Promise.all([published(inputs, { callMessages: 2 }), published(inputs)])
  expect(few.broker.calls.length).toBeGreaterThan(many.broker.calls.length)
  const without = ({ broker }: DispatcherBench) =>
    broker.calls.flat().map(({ headers, ...message }) => ({ ...message, headers: { ...headers, 'riskledger-batch': '' } }))
  expect(without(few)).toEqual(without(many))
})
