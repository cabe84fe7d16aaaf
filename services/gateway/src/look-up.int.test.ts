import type { Ledger } from '@riskledger/contracts'
import { LookUp } from './look-up'
import { GatewayBench, payment } from './testing/gateway-bench'

let bench: GatewayBench
beforeEach(() => {
  bench = new GatewayBench()
})
afterEach(() => bench.close())

test('look-ups go side by side, so many at once; the others follow in order, and a look-up that fails gives its place to the next', async () => {
  await bench.open()
  await bench.screen({ pace: { batchInputs: 4, snapshotInputs: 1_000_000 } })
  const decided = await Promise.all(Array.from({ length: 60 }, (_, i) => bench.decide(payment(i + 1))))
  const sequences = decided.map(({ body }) => body['sequence'] as number)
  let underWay = 0
  let most = 0
  let failing = true
  const held: (() => void)[] = []
  const ledger = {
    readStream: async function* (...args: Parameters<Ledger['readStream']>) {
      most = Math.max(most, ++underWay)
      try {
        await new Promise<void>((resolve) => held.push(resolve))
        if (failing) throw new Error('once')
        yield* bench.ledger.readStream(...args)
      } finally {
        underWay--
      }
    },
  } as unknown as Ledger
  const lookUp = new LookUp({ ledger, environment: '', partitionCount: 1, lookBackBytes: 1e6 })
  const found = sequences.map((sequence) => lookUp.atSequence(0, sequence).catch((error: Error) => error.message))
  await Promise.resolve()
  expect(held).toHaveLength(16)
  let settled = 0
  for (const one of found) void one.then(() => settled++)
  while (settled < found.length) {
    for (const release of held.splice(0)) release()
    await new Promise((resolve) => setImmediate(resolve))
    failing = false
  }
  expect(most).toBe(16)
  const outcomes = await Promise.all(found)
  expect(outcomes.filter((one) => one === 'once').length).toBeGreaterThan(0)
  outcomes.forEach((one, i) => one !== 'once' && expect(one).toMatchObject({ outcome: { sequence: sequences[i], status: 'screened' } }))
})
