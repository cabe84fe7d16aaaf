import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startDevBroker } from './start-dev-broker'
import { fakeJava, type FakeJava } from './testing/fake-java'

const JARS = { version: '0', folder: '/nowhere', classPath: '/nowhere/kafka.jar' }

let root: string
let folder: string
let restorePath: (() => void) | undefined
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'riskledger-start-broker-'))
  folder = join(root, 'kafka')
})
afterEach(() => {
  restorePath?.()
  restorePath = undefined
  rmSync(root, { recursive: true })
})

function withJava(java: FakeJava): void {
  restorePath = fakeJava(join(root, 'bin'), java)
}

test('where one node cannot be formatted, no other one is left running', async () => {
  // The others format until the first one has failed, and would start their processes then.
  const first = join(root, 'first')
  withJava({
    format: `case "$node" in
      *node-1) echo $$ >${first}.draft; mv ${first}.draft ${first}; exit 1;;
      *) until [ -e ${first} ] && ! kill -0 "$(cat ${first})" 2>/dev/null; do sleep 0.02; done
         mkdir "$node/data"; echo >"$node/data/meta.properties";;
    esac`,
  })
  await expect(startDevBroker({ folder, nodes: 3, jars: JARS })).rejects.toMatchObject({
    code: 'log-unavailable',
    message: expect.stringContaining('could not be formatted'),
  })
  for (const id of [2, 3]) expect(readdirSync(join(folder, `node-${id}`))).toEqual(expect.arrayContaining(['data', 'output.log']))
  for (const id of [2, 3]) expect(readdirSync(join(folder, `node-${id}`))).not.toContain('broker.pid')
  await until(() => running().length === 0)
})

test.each([
  ['its storage is formatted', { format: 'echo >"$node/reached"; exec tail -f "$settings"' }],
  ['it is not ready', { format: 'mkdir "$node/data"; echo >"$node/data/meta.properties"; echo >"$node/reached"' }],
])('given up while %s, nothing is left running', async (_, java) => {
  withJava(java)
  const giveUp = new AbortController()
  const starting = startDevBroker({ folder, jars: JARS, signal: giveUp.signal })
  const outcome = expect(starting).rejects.toMatchObject({
    code: 'cancelled',
    message: expect.stringMatching(/^Stopped before Kafka had come up;/),
  })
  await until(() => existsSync(join(folder, 'node-1', 'reached')))
  giveUp.abort()
  await outcome
  await until(() => running().length === 0)
})

test('given up before it began, nothing is made', async () => {
  await expect(startDevBroker({ folder, jars: JARS, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' })
  expect(existsSync(folder)).toBe(false)
})

test('a folder with a comma is refused before anything is made', async () => {
  await expect(startDevBroker({ folder: join(root, 'a,b'), jars: JARS })).rejects.toMatchObject({
    code: 'configuration-invalid',
    message: expect.stringContaining(`the folder ${join(root, 'a,b')} has one. Name another folder.`),
  })
  expect(readdirSync(root)).toEqual([])
})

/** Command lines of nodes in this folder, and of their guards. */
function running(): readonly string[] {
  return execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(folder))
}

/** Looks again and again, up to Jest's own limit. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(20)
}
