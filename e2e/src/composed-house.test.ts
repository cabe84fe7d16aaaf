import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { containerEngineMayAnswer } from '@riskledger/dev-broker'
import { runToEnd } from './run-riskledger'
import { tryHouse } from './try-house'

const ROOT = join(__dirname, '..', '..')
const NO_ENGINE = 'the house of docker-compose.yml: skipped: no container engine answers\n'
/** Images are pulled and built in it. */
const LIMIT_MS = 1_200_000

/** Of the published ports none is needed but the gateway's, and that wherever there is one free. */
const OVERRIDES = `services:
  kafka:
    ports: !reset []
  gateway:
    ports: !override ['127.0.0.1::8080']
`

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'riskledger-composed-'))
  // Services run as a user of their own, who reads the keys.
  chmodSync(folder, 0o755)
})
afterEach(() => rmSync(folder, { recursive: true }))

const inContainers = containerEngineMayAnswer(process.env) ? test : test.skip
if (inContainers === test.skip) process.stderr.write(NO_ENGINE)

inContainers(
  'the house of docker-compose.yml, built from the sources, on Kafka and KurrentDB: gives verdicts, and a ledger that proves them',
  async () => {
    const { DockerComposeEnvironment, Wait, getContainerRuntimeClient } = await import('testcontainers')
    try {
      await getContainerRuntimeClient()
    } catch (error) {
      // There is a socket: nobody is to believe that it was tried.
      if (process.env.CI === 'true') throw error
      return void process.stderr.write(NO_ENGINE)
    }
    const keys = join(folder, 'api-keys.json')
    const made = ['gateway', 'keys', 'create', '--name', 'checkout', '--role', 'publisher', '--gateway-keys', keys]
    const { key } = await runToEnd<{ readonly key: string }>(made)
    const overrides = join(folder, 'overrides.yml')
    writeFileSync(overrides, OVERRIDES)
    const composed = await new DockerComposeEnvironment(ROOT, ['docker-compose.yml', overrides])
      .withBuild()
      .withEnvironment({ RISKLEDGER_API_KEYS: keys })
      .withDefaultWaitStrategy(Wait.forHealthCheck())
      .withWaitStrategy('topics-1', Wait.forOneShotStartup())
      .up()
    try {
      const gateway = composed.getContainer('gateway-1')
      const screener = composed.getContainer('screener-1')
      await tryHouse({
        url: `http://${gateway.getHost()}:${gateway.getMappedPort(8080)}`,
        apiKey: key,
        run: async (args) => {
          const { stdout, output, exitCode } = await screener.exec(['node', '/app/bin/riskledger.js', '--json', ...args])
          if (exitCode !== 0) throw new Error(`riskledger ${args.join(' ')} ended with ${exitCode}: ${output}`)
          return JSON.parse(stdout) as never
        },
      })
    } finally {
      await composed.down({ removeVolumes: true })
    }
  },
  LIMIT_MS,
)
