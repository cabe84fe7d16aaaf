import { chmodSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fetchBrokerJars, type BrokerJars } from './fetch-broker-jars'
import { makeClassArchive } from './make-class-archive'
import { runningCommand } from './running-command'
import { startDevBroker } from './start-dev-broker'
import { canStartFromJars, NO_BROKER } from './why-no-broker'

const canRun = canStartFromJars()
const withBroker = canRun || process.env.CI === 'true' ? test : test.skip
if (!canRun) console.log(NO_BROKER)

let folder: string
beforeEach(() => {
  const cache = join(__dirname, '..', '..', '..', '..', '.cache')
  mkdirSync(cache, { recursive: true })
  folder = mkdtempSync(join(cache, 'class-archive-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** The same files in another folder, with the times that they have. */
function linked({ version, classPath }: BrokerJars): BrokerJars {
  const into = join(folder, 'jars')
  mkdirSync(into)
  const jars = classPath.split(':').map((jar) => {
    const link = join(into, basename(jar))
    linkSync(jar, link)
    return link
  })
  return { version, folder: into, classPath: jars.join(':') }
}

withBroker(
  'an archive of classes is made once, in place of others, and a broker starts with it, and without one that was cut off',
  async () => {
    const jars = linked(await fetchBrokerJars())
    writeFileSync(join(jars.folder, 'classes-0123456789abcdef-1.jsa'), 'of another Java')
    await makeClassArchive(jars)
    const others = readdirSync(jars.folder).filter((name) => !name.endsWith('.jar'))
    expect(others).toEqual([expect.stringMatching(/^classes-[0-9a-f]{16}-\d+\.jsa$/)])
    expect(readdirSync(folder)).toEqual(['jars'])
    const file = join(jars.folder, others[0])
    const { size, mtimeMs } = statSync(file)
    expect(size).toBeGreaterThan(10 * 2 ** 20)
    await makeClassArchive(jars)
    expect(statSync(file)).toMatchObject({ size, mtimeMs })
    const commandOf = async (): Promise<unknown> => {
      const broker = await startDevBroker({ folder: join(folder, 'broker'), jars })
      try {
        return runningCommand(broker.nodes[0].pid!)
      } finally {
        await broker.stop()
      }
    }
    expect(await commandOf()).toMatchObject({ kind: 'known', command: expect.stringContaining(`-XX:SharedArchiveFile=${file} `) as string })
    chmodSync(file, 0o600)
    truncateSync(file, size - 4_096)
    expect(await commandOf()).toMatchObject({ kind: 'known', command: expect.not.stringContaining('SharedArchiveFile') as string })
  },
)
