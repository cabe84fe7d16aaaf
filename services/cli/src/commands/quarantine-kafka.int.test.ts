import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findTestBroker, whyNoBroker, type TestBroker } from '@riskledger/dev-broker'
import { decodeRaw, encodeRaw } from '@riskledger/events'
import { MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import { openKafkaLog, type KafkaConnection, type KafkaLog } from '@riskledger/kafka'
import { runCommand, runJson } from '../testing/run-command'
import { temporaryFolder } from '../testing/small-scenario'

const skipped = whyNoBroker()
const GUARANTEE = 'on Kafka a refused record is sent again once, as a new event that names it, and is screened there'
const FROM_MS = Date.now() - 60_000
const PAYMENT = { ...MINIMAL_EVENTS.payments, eventTimeMs: FROM_MS, accountId: 'a-cut' }

interface Sent {
  readonly redriveOf: string
  readonly eventId: string
  readonly partition: number
  readonly offset: number
}

interface Listing {
  readonly rows: readonly { readonly partition: number; readonly sequence: number; readonly reason: string }[]
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let broker: TestBroker | undefined
let log: KafkaLog | undefined

beforeAll(async () => {
  folder = await temporaryFolder()
  if (skipped === null) broker = await findTestBroker()
}, 120_000)
afterAll(async () => {
  await log?.close()
  if (broker?.kind === 'found') await broker.close()
  await folder.remove()
}, 60_000)

/** Every payment in the log that can be decoded, with its offset. */
async function paymentsIn(log: KafkaLog): Promise<readonly object[]> {
  const found: object[] = []
  const { end } = await log.range('payments', 0)
  for (let fromOffset = 0; fromOffset < end;) {
    const { records, nextOffset } = await log.fetch({ topic: 'payments', partition: 0, fromOffset, maxRecords: 100, maxBytes: 1e6 })
    fromOffset = nextOffset
    for (const { offset, value } of records) {
      const decoded = decodeRaw('payments', value)
      if (decoded.kind === 'decoded') found.push({ ...decoded.event, offset })
    }
  }
  return found
}

/** A cluster's topics with one payment, cut off, which is refused; gives its place and the flags that name it all. */
async function refusedOn(
  brokers: string[],
): Promise<{ readonly log: KafkaLog; readonly place: string; readonly flags: readonly string[] }> {
  const prefix = `t${randomBytes(6).toString('hex')}`
  const cluster = ['--kafka', brokers.join(','), '--prefix', prefix]
  expect(await runCommand('topics', 'create', '--partitions', '1', ...cluster)).toMatchObject({ code: 0 })
  const connection: KafkaConnection = { brokers, clientId: 'test', prefix: `${prefix}-` }
  log = await openKafkaLog({ connection, partitionCount: 1 })
  const whole = encodeRaw('payments', PAYMENT).slice()
  const record = { topic: 'payments', partition: 0, brokerTimeMs: FROM_MS, orderTimeMs: undefined, key: Buffer.from('a-cut') } as const
  await log.append([{ ...record, value: whole.subarray(0, whole.length - 4) }])
  const flags = [...cluster, '--data-dir', join(folder.path, 'data')]
  expect(await runCommand('up', '--once', ...flags)).toMatchObject({ code: 0 })
  const { rows } = (await runJson<Listing>('quarantine', 'list', ...flags)).value
  expect(rows).toEqual([expect.objectContaining({ reason: 'truncated' })])
  return { log, place: `${rows[0].partition}/${rows[0].sequence}`, flags }
}

async function redrivesOnce(): Promise<void> {
  if (broker?.kind !== 'found') throw new Error(broker?.reason ?? 'no broker was looked for')
  const { log, place, flags } = await refusedOn(broker.brokers)
  const file = join(folder.path, 'whole.json')
  await writeFile(file, JSON.stringify({ topic: 'payments', event: PAYMENT }))
  const redrive = ['quarantine', 'redrive', place, '--event', file, ...flags]
  const { code, value: sent } = await runJson<Sent>(...redrive)
  expect({ code, sent }).toMatchObject({ code: 0, sent: { redriveOf: place, partition: 0 } })
  const { eventId, offset } = sent
  expect(eventId).not.toBe(PAYMENT.eventId)
  // Where it waits in the log it is known as sent, and where it is screened.
  const again = { code: 2, err: expect.stringContaining(`sent again before, as event ${eventId}`) as string }
  expect(await runCommand(...redrive)).toMatchObject(again)
  expect(await runCommand('up', '--once', ...flags)).toMatchObject({ code: 0 })
  expect(await runCommand(...redrive)).toMatchObject(again)
  expect(await paymentsIn(log)).toEqual([
    expect.objectContaining({ eventId, offset, traceId: `redrive-of:${place}`, accountId: 'a-cut', paymentId: PAYMENT.paymentId }),
  ])
  expect((await runJson('explain', eventId, ...flags)).value).toMatchObject({ status: 'screened', accountId: 'a-cut' })
}

if (skipped === null) test(GUARANTEE, redrivesOnce, 120_000)
else test.skip(`${skipped}: ${GUARANTEE}`, redrivesOnce)
