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

describe.each([
  ['publish-http.ts', ['http://127.0.0.1:1', 'key'], 'The gateway at http://127.0.0.1:1 does not answer'],
  ['publish-kafka.ts', ['127.0.0.1:1'], 'The Kafka cluster at 127.0.0.1:1 could not be reached'],
])('examples/%s', (name, nobody, said) => {
  test.each([
    ['without arguments says how it is run', [], `Usage: npx tsx examples/${name} `],
    ['says who does not answer', nobody, said],
  ])('%s', async (_, parameters, beginning) => {
    const failure = (await runExample(name, ...parameters).catch((error: unknown) => error)) as {
      code: number
      stdout: string
      stderr: string
    }
    expect(failure).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^[^\n]+\n$/) as string })
    expect(failure.stderr.startsWith(beginning)).toBe(true)
  })
})
