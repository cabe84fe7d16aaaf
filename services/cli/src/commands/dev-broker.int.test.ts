import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { cachedBrokerJars, findProgram } from '@riskledger/dev-broker'
import { runJson } from '../testing/run-command'

const EXECUTABLE = join(__dirname, '..', '..', 'bin', 'riskledger.js')
const canRun = findProgram('java') !== undefined && (findProgram('mvn') !== undefined || cachedBrokerJars() !== undefined)
const withBroker = canRun || process.env.CI === 'true' ? test : test.skip
if (!canRun) console.log('skipped: dev-broker needs Maven and Java 17')

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'riskledger-dev-broker-'))))
afterEach(() => rmSync(folder, { recursive: true }))

interface Told {
  readonly brokers: readonly string[]
  readonly nodes: readonly { readonly id: number; readonly pid: number }[]
}

/** Starts the command on a port that was free a moment ago, and hands over what it told first. */
async function start() {
  const child = spawn(process.execPath, [EXECUTABLE, 'dev-broker', '--json', '--data-dir', folder, '--port', String(await freePort())], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let err = ''
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString('utf8')))
  const ended = new Promise<{ code: number | null; err: string }>((resolve) => child.once('close', (code) => resolve({ code, err })))
  const lines = createInterface(child.stdout)
  const line = await Promise.race([
    new Promise<string>((resolve) => lines.once('line', resolve)),
    ended.then(({ err: why }) => Promise.reject(new Error(why))),
  ])
  return { child, ended, told: JSON.parse(line) as Told }
}

withBroker('stays until Ctrl-C, serving, and ends its broker', async () => {
  const { child, ended, told } = await start()
  const port = Number(told.brokers[0].split(':')[1])
  expect(await accepts(port)).toBe(true)
  child.kill('SIGINT')
  expect(await ended).toEqual({ code: 0, err: '' })
  expect(await accepts(port)).toBe(false)
})

const withJars = cachedBrokerJars() === undefined ? test.skip : test

withJars('Ctrl-C while it comes up is no failure', async () => {
  // A Java that neither formats nor ends, as a slow one at that moment.
  writeFileSync(join(folder, 'java'), `#!/bin/sh\necho >'${folder}/reached'\nexec sleep 600\n`)
  chmodSync(join(folder, 'java'), 0o755)
  const child = spawn(process.execPath, [EXECUTABLE, 'dev-broker', '--data-dir', folder, '--port', String(await freePort())], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
  })
  let err = ''
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString('utf8')))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  while (!existsSync(join(folder, 'reached')) && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 20))
  child.kill('SIGINT')
  expect({ code: await ended, err }).toEqual({ code: 130, err: expect.stringMatching(/^Stopped before Kafka had come up;/) as string })
})

withBroker('a broker that ends by itself ends the command, named', async () => {
  const { ended, told } = await start()
  process.kill(told.nodes[0].pid, 'SIGKILL')
  const { code, err } = await ended
  expect(code).toBe(1)
  expect(err).toContain("Kafka's node 1 ended by itself (SIGKILL).")
})

withBroker('a port that is taken is refused before anything starts', async () => {
  const server = createServer()
  const port = await new Promise<number>((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))
  try {
    const { code, value } = await runJson('dev-broker', '--data-dir', folder, '--port', String(port))
    expect(code).toBe(2)
    expect(value).toMatchObject({ error: { message: expect.stringContaining(`Port ${port} of 127.0.0.1 is taken`) } })
  } finally {
    server.close()
  }
})

test('without Java, says what to install', async () => {
  const { PATH } = process.env
  process.env.PATH = folder
  try {
    const { code, value } = await runJson('dev-broker', '--data-dir', folder)
    expect(code).toBe(2)
    expect(value).toMatchObject({
      error: { code: 'configuration-invalid', message: expect.stringContaining('Java 17 or newer is needed to run Kafka: install a JRE') },
    })
  } finally {
    process.env.PATH = PATH
  }
})

test.each([
  [['--nodes', '2'], 'Allowed choices are 1, 3.'],
  [['--port', '70000'], 'It is a port, 1 to 65533.'],
  [['--port', 'x'], 'It is a port, 1 to 65533.'],
])('refuses %j', async (args, message) => {
  const { code, value } = await runJson('dev-broker', '--data-dir', folder, ...args)
  expect(code).toBe(2)
  expect(value).toMatchObject({ error: { message: expect.stringContaining(message) } })
})

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
