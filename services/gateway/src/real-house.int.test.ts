import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { partitionFor } from '@riskledger/contracts'
import { openEmbeddedLog } from '@riskledger/embedded-log'
import { connectLedger } from '@riskledger/ledger'
import { startLedgerServer } from '@riskledger/ledger-server'
import { GatewayBench, payment } from './testing/gateway-bench'

const PARTITIONS = 2
const accounts = Array.from({ length: 40 }, (_, i) => `a-${i}`)

let bench: GatewayBench
let leave: (() => Promise<void>)[]
beforeEach(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'riskledger-gateway-'))
  const log = openEmbeddedLog({ folder: join(folder, 'log'), partitionCount: PARTITIONS })
  const server = await startLedgerServer({ folder: join(folder, 'ledger') })
  const ledger = await connectLedger({ connectionString: server.connectionString })
  bench = new GatewayBench(log, ledger)
  leave = [
    () => bench.close(),
    () => ledger.close(),
    () => server.close(),
    () => log.close(),
    () => Promise.resolve(rmSync(folder, { recursive: true, force: true })),
  ]
})
afterEach(async () => {
  for (const step of leave) await step()
})

async function screenAll(): Promise<void> {
  for (let partition = 0; partition < PARTITIONS; partition++) await bench.screen({ partition })
}

test('over the embedded log, the ledger server and a screener: every event gets its own verdict, once', async () => {
  await bench.open()
  await screenAll()
  const asked = Array.from({ length: 400 }, (_, i) => payment(i + 1, { accountId: accounts[i % accounts.length] }))
  const answered = await Promise.all(asked.map((event) => bench.decide(event)))
  answered.forEach(({ status, body }, i) => {
    expect(status).toBe(200)
    expect(body).toMatchObject({
      eventId: asked[i].eventId,
      fallback: false,
      status: 'screened',
      partition: partitionFor(Buffer.from(asked[i].accountId), PARTITIONS),
    })
  })
  const places = answered.map(({ body }) => `${String(body['partition'])}/${String(body['sequence'])}`)
  expect(new Set(places).size).toBe(asked.length)
  for (const { eventId } of asked.slice(0, 5))
    expect((await bench.get(`/v1/decisions/${eventId}`)).body).toMatchObject({ status: 'screened' })
})

test('a gateway that comes anew gives retries their first verdicts, and finds decisions in the ledger', async () => {
  await bench.open()
  await screenAll()
  const asked = accounts.map((accountId, i) => payment(i + 1, { accountId }))
  const first = await Promise.all(asked.map((event) => bench.decide(event)))
  await bench.gateway.close()
  await bench.open()
  // Each is looked up in the ledger, several side by side.
  const retried = await Promise.all(asked.map((event) => bench.decide(event, 10_000)))
  retried.forEach(({ body }, i) => {
    const { kind, sequence, partition, decisionId } = first[i].body
    expect(body).toMatchObject({ kind, sequence, partition, decisionId, fallback: false })
  })
  await bench.gateway.close()
  await bench.open()
  for (const { eventId } of asked.slice(0, 3))
    expect((await bench.get(`/v1/decisions/${eventId}`)).body).toMatchObject({ status: 'screened' })
})

test('with the screener stopped the fallback is told; once it is back the same event gets its verdict, and both answers stand in the log', async () => {
  await bench.open()
  const told = await bench.decide(payment(1), 100)
  expect(told.body).toMatchObject({ kind: 'challenge', fallback: true })
  await screenAll()
  expect((await bench.decide(payment(1))).body).toMatchObject({ kind: 'allow', fallback: false })
  await bench.gateway.close()
  const ends = await Promise.all([0, 1].map((partition) => bench.log.range('answers', partition)))
  expect(ends[0].end + ends[1].end).toBe(2)
  expect((await bench.log.range('payments', partitionFor(Buffer.from('a-0293'), PARTITIONS))).end).toBe(1)
})

test('it is ready once it follows every journal', async () => {
  await bench.open()
  await screenAll()
  let ready = await bench.get('/health/ready')
  while (ready.status !== 200) ready = await bench.get('/health/ready')
  expect(ready.body).toMatchObject({ status: 'passing', checks: { subscriptions: { detail: 'caught up' } } })
})
