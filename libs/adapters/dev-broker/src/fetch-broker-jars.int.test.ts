import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cachedBrokerJars, fetchBrokerJars } from './fetch-broker-jars'
import { findProgram, requireProgram } from './find-program'
import { KAFKA_VERSION } from './kafka-release'

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'riskledger-jars-'))))
afterEach(() => rmSync(folder, { recursive: true }))

/** A Maven that copies two files to where it is told to, or that does something else. */
function maven(
  script = 'for a; do case "$a" in -DoutputDirectory=*) d="${a#*=}"; mkdir "$d"; echo >"$d/b.jar"; echo >"$d/a.jar";; esac; done',
): string {
  const path = join(folder, 'bin')
  mkdirSync(path)
  writeFileSync(join(path, 'mvn'), `#!/bin/sh\n${script}\n`)
  chmodSync(join(path, 'mvn'), 0o755)
  return join(path, 'mvn')
}

test('callers at once each get the whole of it, and nothing else stays', async () => {
  const cacheFolder = join(folder, 'cache', 'kafka')
  const options = { cacheFolder, mvn: maven() }
  const all = await Promise.all([1, 2, 3].map(() => fetchBrokerJars(options)))
  for (const { classPath } of all) expect(classPath).toBe(`${join(cacheFolder, 'a.jar')}:${join(cacheFolder, 'b.jar')}`)
  expect(readdirSync(join(folder, 'cache'))).toEqual(['kafka'])
})

test('what was fetched is not asked for again', async () => {
  const cacheFolder = join(folder, 'kafka')
  await fetchBrokerJars({ cacheFolder, mvn: maven() })
  expect(await fetchBrokerJars({ cacheFolder, mvn: join(folder, 'not-there') })).toMatchObject({ folder: cacheFolder })
})

const broken: readonly [string, (cacheFolder: string) => void][] = [
  ['an empty folder', (cacheFolder) => (rmSync(cacheFolder, { recursive: true }), mkdirSync(cacheFolder))],
  ['a jar that is gone', (cacheFolder) => rmSync(join(cacheFolder, 'b.jar'))],
  ['a jar that was cut off', (cacheFolder) => truncateSync(join(cacheFolder, 'a.jar'))],
  ['a list that was cut off', (cacheFolder) => truncateSync(join(cacheFolder, 'jars.json'), 5)],
]

test.each(broken)('%s is no cache, and is fetched again', async (_, harm) => {
  const cacheFolder = join(folder, 'cache', 'kafka')
  const mvn = maven()
  const whole = await fetchBrokerJars({ cacheFolder, mvn })
  harm(cacheFolder)
  expect(cachedBrokerJars({ cacheFolder })).toBeUndefined()
  expect(await fetchBrokerJars({ cacheFolder, mvn })).toEqual(whole)
  expect(readdirSync(join(folder, 'cache'))).toEqual(['kafka'])
})

test('a cache without a list is one while its jars end as zip files do', () => {
  const names = ['kafka_2.13', 'kafka-tools', 'kafka-clients'].map((name) => `${name}-${KAFKA_VERSION}.jar`)
  // The smallest zip file: the end of a directory that holds nothing.
  for (const name of names) writeFileSync(join(folder, name), Buffer.concat([Buffer.from('PK\x05\x06', 'latin1'), Buffer.alloc(18)]))
  expect(cachedBrokerJars({ cacheFolder: folder })?.classPath.split(':')).toHaveLength(3)
  copyFileSync(join(folder, names[0]), join(folder, 'other.jar'))
  truncateSync(join(folder, 'other.jar'), 21)
  expect(cachedBrokerJars({ cacheFolder: folder })).toBeUndefined()
  rmSync(join(folder, 'other.jar'))
  rmSync(join(folder, names[0]))
  expect(cachedBrokerJars({ cacheFolder: folder })).toBeUndefined()
})

test('drafts that nobody works on any more are removed', async () => {
  const [old, fresh] = ['.kafka-old', '.kafka-new'].map((name) => join(folder, name))
  for (const draft of [old, fresh]) mkdirSync(draft)
  const twoDaysAgoSeconds = Date.now() / 1_000 - 2 * 24 * 60 * 60
  utimesSync(old, twoDaysAgoSeconds, twoDaysAgoSeconds)
  await fetchBrokerJars({ cacheFolder: join(folder, 'kafka'), mvn: maven() })
  expect(readdirSync(folder).sort()).toEqual(['.kafka-new', 'bin', 'kafka'])
})

test('a Maven that fetches nothing is told of', async () => {
  const cacheFolder = join(folder, 'cache', 'kafka')
  const idle = maven('exit 0')
  await expect(fetchBrokerJars({ cacheFolder, mvn: idle })).rejects.toMatchObject({
    code: 'log-unavailable',
    message: expect.stringContaining('fetched no jars'),
  })
  expect(readdirSync(join(folder, 'cache'))).toEqual([])
})

test('a fetch that is given up ends Maven, and leaves nothing', async () => {
  const cacheFolder = join(folder, 'cache', 'kafka')
  const giveUp = new AbortController()
  const reached = join(folder, 'reached')
  const fetching = fetchBrokerJars({ cacheFolder, mvn: maven(`echo >${reached}; exec tail -f ${reached}`), signal: giveUp.signal })
  const outcome = expect(fetching).rejects.toMatchObject({ message: expect.stringContaining('was stopped') })
  while (!readdirSync(folder).includes('reached')) await new Promise((resolve) => setTimeout(resolve, 20))
  giveUp.abort()
  await outcome
  expect(readdirSync(join(folder, 'cache'))).toEqual([])
})

test('a fetch that fails says why, and leaves nothing', async () => {
  const cacheFolder = join(folder, 'cache', 'kafka')
  const failing = maven('mkdir -p "$(dirname "$5")/libs"; echo "no route to the repository"; exit 3')
  await expect(fetchBrokerJars({ cacheFolder, mvn: failing })).rejects.toMatchObject({
    code: 'log-unavailable',
    retriable: true,
    message: expect.stringMatching(/^The jars of Kafka .* could not be fetched .* ended with 3\.\nno route to the repository$/),
  })
  expect(readdirSync(join(folder, 'cache'))).toEqual([])
})

test.each([
  [
    'mvn',
    'mvn is not on the search path. Maven is needed once, to fetch the jars of Kafka: install it (Debian and Ubuntu: apt-get install maven)',
  ],
  ['java', 'java is not on the search path. Java 17 or newer is needed to run Kafka: install a JRE'],
] as const)('without %s, says what to install', (name, message) => {
  expect(() => requireProgram(name, folder)).toThrow(
    expect.objectContaining({ code: 'configuration-invalid', message: expect.stringContaining(message) }),
  )
})

test('a file that nobody may run is no program', () => {
  const mvn = maven()
  expect(findProgram('mvn', `/nowhere:${join(folder, 'bin')}`)).toBe(mvn)
  chmodSync(mvn, 0o644)
  expect(findProgram('mvn', join(folder, 'bin'))).toBeUndefined()
})
