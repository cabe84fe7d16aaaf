import { createMetrics } from './create-metrics'
import { serveHealth, type HealthServer } from './serve-health'

let server: HealthServer | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

test('tells that it lives, whether it is ready and why not, and its metrics', async () => {
  let lag = 0
  const metrics = createMetrics()
  metrics.count('riskledger_inputs_total', 3)
  const checks = {
    ledger: async () => 'answers',
    lag: async () => {
      if (lag > 0) throw new Error(`behind by ${lag}`)
      return 'none'
    },
  }
  server = await serveHealth({ port: 0, checks, metrics })
  const get = async (path: string, method = 'GET') => {
    const response = await fetch(`${server!.url}${path}`, { method })
    return { status: response.status, body: await response.text() }
  }
  expect(await get('/health/live')).toEqual({ status: 200, body: '{"status":"passing"}' })
  expect(await get('/health/ready?x')).toMatchObject({ status: 200 })
  lag = 7
  const failing = await get('/health/ready')
  expect(failing.status).toBe(503)
  expect(JSON.parse(failing.body)).toEqual({
    status: 'failing',
    checks: { ledger: { status: 'passing', detail: 'answers' }, lag: { status: 'failing', detail: 'behind by 7' } },
  })
  expect((await get('/metrics')).body).toContain('riskledger_inputs_total 3')
  expect((await get('/')).status).toBe(404)
  expect((await get('/metrics', 'POST')).status).toBe(405)
})

test('a port that is taken is refused by its name', async () => {
  server = await serveHealth({ port: 0, checks: {}, metrics: createMetrics() })
  const port = Number(new URL(server.url).port)
  await expect(serveHealth({ port, checks: {}, metrics: createMetrics() })).rejects.toMatchObject({
    code: 'configuration-invalid',
    message: expect.stringContaining(`127.0.0.1:${port}`),
  })
})
