import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { GatewaySender } from './gateway-sender'
import type { Receipt } from './publisher'
import { scenarioEvents, type ScenarioRecord } from './scenario-records'

/** What a sender makes of a gateway that answers with these receipts. */
async function sendTo(records: readonly ScenarioRecord[], receipts: readonly Receipt[]): Promise<readonly Receipt[]> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(202, { connection: 'close' }).end(JSON.stringify(receipts)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sender = new GatewaySender(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  try {
    await sender.send(records)
    return sender.receipts
  } finally {
    await sender.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

/** Two records of one topic, and what a true gateway answers. */
function sample(): { readonly records: readonly ScenarioRecord[]; readonly receipts: readonly Receipt[] } {
  const all = scenarioEvents({ seed: 1, partitionCount: 1 })
  const records: ScenarioRecord[] = []
  while (records.length < 2) {
    const record = all.next().value as ScenarioRecord
    if (record.topic === 'payments') records.push(record)
  }
  const receipts = records.map(({ topic, partition, value }, offset) => {
    return { topic, partition, offset, digest: createHash('sha256').update(value).digest('hex') }
  })
  return { records, receipts }
}

test('receipts of what was published are kept', async () => {
  const { records, receipts } = sample()
  expect(await sendTo(records, receipts)).toEqual(receipts)
})

test('a receipt of another event is refused: the one that was published is lost', async () => {
  const { records, receipts } = sample()
  const [first] = receipts
  await expect(sendTo(records, [first, { ...first, offset: 1 }])).rejects.toThrow(
    /^event 2 of 2 is [0-9a-f]{64} of payments\/0, and its receipt is of/,
  )
})
