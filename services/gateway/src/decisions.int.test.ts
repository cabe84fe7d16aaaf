import { GatewayBench, payment } from './testing/gateway-bench'

let bench: GatewayBench
beforeEach(() => {
  bench = new GatewayBench()
})
afterEach(() => bench.close())

test('an event is published and its verdict comes back in the same request', async () => {
  await bench.open()
  await bench.screen()
  const answered = await bench.decide(payment(1))
  expect(answered.status).toBe(200)
  expect(answered.body).toMatchObject({
    kind: 'allow',
    fallback: false,
    status: 'screened',
    sequence: 1,
    receipt: { topic: 'payments', partition: 0, offset: 0 },
  })
})
