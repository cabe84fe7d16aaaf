import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fetchBrokerJars } from './fetch-broker-jars'
import { findProgram, requireProgram } from './find-program'

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
