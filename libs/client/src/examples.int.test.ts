import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { decodeRaw } from '@riskledger/events'
import { GatewayBench } from '@riskledger/gateway/src/testing/gateway-bench'

const ROOT = join(__dirname, '..', '..', '..')
const run = promisify(execFile)

/** Runs an example as a process of its own and resolves to what it prints. */
async function runExample(name: string, ...parameters: readonly string[]): Promise<string> {
  const register = join(ROOT, 'libs', 'runtime', 'register.cjs')
  return (await run(process.execPath, ['--require', register, join(ROOT, 'examples', name), ...parameters])).stdout
}

test('examples/publish-http.ts gets a verdict and publishes what follows from it', async () => {
  const bench = new GatewayBench()
  try {
    const { url } = await bench.open({ nowMs: Date.now })
    await bench.screen({ nowMs: Date.now })
    expect(await runExample('publish-http.ts', url, bench.publisher.key)).toBe('verdict: allow\nsettled: payments/0@1\n')
    const { records } = await bench.log.fetch({ topic: 'payments', partition: 0, fromOffset: 0, maxRecords: 9, maxBytes: 1e6 })
    expect(records.map(({ value }) => decodeRaw('payments', value))).toMatchObject([
      { event: { phase: 'requested', source: 'checkout' } },
      { event: { phase: 'settled', source: 'checkout' } },
    ])
  } finally {
    await bench.close()
  }
})
