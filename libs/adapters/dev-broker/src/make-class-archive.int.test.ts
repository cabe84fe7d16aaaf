import { linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
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
  'an archive of classes is made once, in place of others, and a broker starts with it, and without one that is damaged',
  async () => {
    const jars = linked(await fetchBrokerJars())
    writeFileSync(join(jars.folder, 'classes-0123456789abcdef.jsa'), 'of another Java')
    await makeClassArchive(jars)
    const others = readdirSync(jars.folder).filter((name) => !name.endsWith('.jar'))
    expect(others).toEqual([expect.stringMatching(/^classes-[0-9a-f]{16}\.jsa$/)])
    expect(readdirSync(folder)).toEqual(['jars'])
    const file = join(jars.folder, others[0])
    const { size, mtimeMs } = statSync(file)
    expect(size).toBeGreaterThan(10 * 2 ** 20)
    await makeClassArchive(jars)
    expect(statSync(file)).toMatchObject({ size, mtimeMs })
    rmSync(file)
    writeFileSync(file, 'no archive')
    const broker = await startDevBroker({ folder: join(folder, 'broker'), jars })
    try {
      const running = runningCommand(broker.nodes[0].pid!)
      expect(running).toMatchObject({ kind: 'known', command: expect.stringContaining(`-XX:SharedArchiveFile=${file} `) })
    } finally {
      await broker.stop()
    }
  },
)
