import { join } from 'node:path'
import { encodeRaw } from '@riskledger/events'
import { MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import { emptyHead, relationsStream, screeningStream } from '@riskledger/journal'
import { appendLearned } from '@riskledger/journal/src/testing/append-learned'
import { blankCounterpartyFact, encodeCounterpartyFact } from '@riskledger/relations'
import { startPartitionWorker } from '@riskledger/screener'
import { MemoryEventLog, MemoryLedger } from '@riskledger/testing'
import { policyOf, workerOptions } from '../pipeline-in-process'
import { checkFacts } from './check-facts'

const POLICY = policyOf(join(__dirname, '../../../policies/default.yaml'))

/** A ledger whose relations have told so many times of the counterparty of the sample payment. */
async function learned(times: number): Promise<MemoryLedger> {
  const ledger = new MemoryLedger()
  let head = emptyHead(relationsStream(0, ''))
  for (let paymentCount = 1; paymentCount <= times; paymentCount++) {
    const value = encodeCounterpartyFact({ ...blankCounterpartyFact(0), paymentCount })
    const facts = [{ epoch: -1, kind: 'counterparty' as const, keyToken: MINIMAL_EVENTS.payments.counterpartyId, value }]
    head = await appendLearned(ledger, head, { throughEpoch: -1, consumed: [], facts })
  }
  return ledger
}

async function screenOne(ledger: MemoryLedger): Promise<void> {
  const log = new MemoryEventLog()
  const { accountId, eventTimeMs: brokerTimeMs } = MINIMAL_EVENTS.payments
  const value = encodeRaw('payments', MINIMAL_EVENTS.payments).slice()
  await log.append([{ topic: 'payments', partition: 0, brokerTimeMs, orderTimeMs: undefined, key: Buffer.from(accountId), value }])
  let idle = (): void => undefined
  const reached = new Promise<void>((resolve) => (idle = resolve))
  const onIdle = ([payments]: readonly number[]): void => (payments === 1 ? idle() : undefined)
  const worker = await startPartitionWorker(workerOptions({ log, ledger, policy: POLICY, onIdle }))
  await Promise.race([reached, worker.done])
  await worker.stop()
}

test('a take-over counts as informed once something was known', async () => {
  const ledger = await learned(1)
  await screenOne(ledger)
  await screenOne(ledger)
  expect(await checkFacts(ledger, { environment: '' })).toMatchObject({ informedTakeOvers: 1, faults: [] })
})

test('what a journal lists is as new as what was known before its tenure', async () => {
  const ledger = await learned(2)
  await screenOne(ledger)
  expect(await checkFacts(ledger, { environment: '' })).toEqual({ compared: 1, informedTakeOvers: 0, faults: [] })
})

test('an older fact is told of', async () => {
  const early = await learned(1)
  await screenOne(early)
  // The same journal, in a ledger where relations had told more before it began.
  const ledger = await learned(2)
  for (const { stream, revision, id, type, data, metadata, contentType } of early.entriesOf(screeningStream(0, 0)))
    await ledger.append(stream, revision === 0 ? 'no-stream' : revision - 1, [{ id, type, data, metadata, contentType }])
  const { compared, faults } = await checkFacts(ledger, { environment: '' })
  expect(compared).toBe(1)
  expect(faults).toEqual([expect.stringContaining(`${MINIMAL_EVENTS.payments.counterpartyId} as of @0; @1 was there before its tenure`)])
})
