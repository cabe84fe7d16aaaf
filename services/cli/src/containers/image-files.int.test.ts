import { execFile, execFileSync, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(__dirname, '..', '..', '..', '..')
const BUILD = join(ROOT, 'infra', 'build-image-files.mjs')
const DOCKERFILE = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
const COMPOSE = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8')
/** What every service of the compose file that is ours runs. */
const COMPOSED = [...COMPOSE.matchAll(/^ {4}command: (\[.*\])$/gm)].map(([, list]) => JSON.parse(list.replaceAll("'", '"')) as string[])

interface Ended {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

let folder: string
let image: string
let before: readonly string[]
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'riskledger-image-'))
  image = join(folder, 'app')
  mkdirSync(join(folder, 'data'))
  expect(await node([BUILD, image])).toEqual({ status: 0, stdout: '', stderr: '' })
  openAsTheDockerfileDoes()
  setWritable(image, false)
  before = stateOf(image)
})
afterAll(() => {
  setWritable(image, true)
  rmSync(folder, { recursive: true })
})

/** Starts Node in the data folder with an environment of its own, as a container would. */
function start(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const env = { PATH: process.env.PATH, HOME: '/nowhere', TMPDIR: tmpdir(), TEST_RUN: process.env.TEST_RUN, ...environment }
  let settle: (ended: Ended) => void = () => undefined
  const ended = new Promise<Ended>((resolve) => (settle = resolve))
  const child = execFile(process.execPath, args, { cwd: join(folder, 'data'), env }, (error, stdout, stderr) =>
    settle({ status: error === null ? 0 : Number(error.code), stdout, stderr }),
  )
  return { child, ended }
}

const node = (...args: Parameters<typeof start>): Promise<Ended> => start(...args).ended
const riskledger = (...args: readonly string[]): Promise<Ended> => node([join(image, 'bin', 'riskledger.js'), ...args])

function pathsIn(root: string): readonly string[] {
  return [root, ...(readdirSync(root, { recursive: true }) as string[]).sort().map((path) => join(root, path))]
}

/** The files are root's, and the user that the image runs as is another: what the Dockerfile does for that one. */
function openAsTheDockerfileDoes(): void {
  const [, flags, mode] = /&& chmod (-\w+) (\S+) \/image$/m.exec(DOCKERFILE) ?? []
  execFileSync('chmod', [flags, mode, image])
}

function setWritable(root: string, writable: boolean): void {
  for (const path of pathsIn(root)) {
    const { mode } = statSync(path)
    chmodSync(path, writable ? mode | 0o200 : mode & 0o555)
  }
}

/** Every file and folder with its size and time: root may write where nobody may, and would show here. */
function stateOf(root: string): readonly string[] {
  return pathsIn(root).map((path) => `${path} ${statSync(path).size} ${statSync(path).mtimeMs}`)
}

afterEach(() => expect(stateOf(image)).toEqual(before))

test('tells its version and its commands', async () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
  expect(await riskledger('--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' })
  expect((await riskledger('--help')).stdout).toContain('Usage: riskledger')
})

test('screens a file with all its threads, writing nowhere but in the data folder, and proves it', async () => {
  expect(await riskledger('simulate', '--accounts', '60', '--days', '10', '--out', 'events.ndjson')).toMatchObject({ status: 0 })
  expect(await riskledger('screen', 'events.ndjson', '--data-dir', 'screened')).toMatchObject({ status: 0 })
  expect(await riskledger('verify', '--data-dir', 'screened')).toMatchObject({ status: 0 })
})

test('serves a house in one process, its gateway and what that describes included, until it is told to stop', async () => {
  const args = ['up', '--json', '--gateway-auth', 'off', '--gateway-port', '0', '--data-dir', 'up']
  const { child, ended } = start([join(image, 'bin', 'riskledger.js'), ...args])
  let printed = ''
  const served = new Promise<string>((resolve) =>
    child.stdout?.on('data', (chunk: string) => (printed += chunk).includes('\n') && resolve(printed)),
  )
  try {
    const first = await Promise.race([served, ended.then(({ stderr }) => `ended before it served: ${stderr}`)])
    expect(first).toContain('"gatewayUrl":"http:')
    const { gatewayUrl } = JSON.parse(first) as { gatewayUrl: string }
    // It may follow no journal yet when it prints its address.
    const endMs = performance.now() + 30_000
    let status: number
    do status = (await fetch(`${gatewayUrl}/health/ready`)).status
    while (status !== 200 && performance.now() < endMs)
    expect(status).toBe(200)
    expect(await (await fetch(`${gatewayUrl}/openapi.json`)).json()).toMatchObject({ openapi: '3.1.0' })
  } finally {
    child.kill('SIGTERM')
  }
  expect(await ended).toMatchObject({ status: 0 })
})

test('the compose file runs what is tried here', () => {
  expect(COMPOSED.map(([command]) => command).sort()).toEqual(['dispatcher', 'gateway', 'relations', 'screener', 'topics'])
})

test.each(COMPOSED.map((args) => [args.join(' '), args] as const))('%s gets as far as its cluster, and names it', async (_line, args) => {
  const environment = {
    RISKLEDGER_KAFKA: '127.0.0.1:1',
    RISKLEDGER_LEDGER: 'esdb://127.0.0.1:1?tls=false',
    RISKLEDGER_DATA_DIR: 'composed',
  }
  const { status, stdout } = await node([join(image, 'bin', 'riskledger.js'), ...args, '--json'], environment)
  expect({ status, printed: JSON.parse(stdout) as unknown }).toEqual({
    status: 1,
    printed: { error: { code: 'log-unavailable', message: expect.stringContaining('127.0.0.1:1') as string } },
  })
})

test.each([
  ['a certificate without its key', ['--gateway-cert', 'none.pem'], '--gateway-cert and --gateway-key go together'],
  ['a key without its certificate', ['--gateway-key', 'none.pem'], '--gateway-cert and --gateway-key go together'],
  ['a missing certificate', ['--gateway-cert', 'no-such.pem', '--gateway-key', 'none.pem'], '--gateway-cert: no-such.pem is not there'],
  ['a file without a certificate', ['--gateway-cert', 'none.pem', '--gateway-key', 'none.pem'], '--gateway-cert holds no certificate'],
])('a gateway with %s does not serve, and names the flag', async (_name, flags, message) => {
  writeFileSync(join(folder, 'data', 'none.pem'), 'no PEM')
  const { status, stderr } = await riskledger('up', '--gateway-auth', 'off', '--gateway-port', '0', ...flags, '--data-dir', 'tls')
  expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(message) as string })
})

test('every file can be read, and every folder entered, by a user who is not their owner', () => {
  const closed = pathsIn(image).filter((path) => {
    const stats = statSync(path)
    const wanted = stats.isDirectory() ? 0o555 : 0o444
    return (stats.mode & wanted) !== wanted
  })
  expect(closed).toEqual([])
})

test('holds the licences of the packages that are in its bundles', () => {
  const licences = readFileSync(join(image, 'THIRD-PARTY-LICENSES.txt'), 'utf8').split(/^== /m).slice(1)
  const packages = JSON.parse(readFileSync(join(image, 'dist', 'packages.json'), 'utf8')) as string[]
  const names = new Set(packages.map((folder) => folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length)))
  expect(new Set(licences.map((licence) => licence.slice(0, licence.indexOf(' '))))).toEqual(names)
  for (const licence of licences) expect(licence).toMatch(/^\S+ \d+\.\d+\.\d+\S*, (?!see below)\S.*\n\n\S/)
  expect(licences.find((licence) => licence.startsWith('@grpc/grpc-js '))).toContain('Apache License')
  expect(licences.find((licence) => licence.startsWith('zod '))).toContain('Permission is hereby granted')
})

test('holds neither sources nor what only builds and tests need', () => {
  const paths = pathsIn(image).map((path) => path.slice(image.length))
  expect(
    paths.filter((path) =>
      /^\/(libs|services|scripts|e2e)\/|^\/node_modules\/(esbuild|testcontainers|jest|nx|typescript)(\/|$)/.test(path),
    ),
  ).toEqual([])
  expect(paths.filter((path) => path.startsWith('/policies/')).length).toBeGreaterThan(0)
})

test('a folder that is not empty is refused', async () => {
  const { status, stderr } = await node([BUILD, image])
  expect(status).toBe(1)
  expect(stderr).toContain('is not empty')
  expect((await node([BUILD])).status).toBe(2)
})

describe('its health check', () => {
  let server: Server
  let answer = 200
  const check = (port: number): Promise<Ended> => node([join(image, 'bin', 'check-health.js')], { RISKLEDGER_HEALTH_PORT: String(port) })
  const port = (): number => (server.address() as AddressInfo).port
  beforeAll(async () => {
    server = createServer((request, response) => response.writeHead(request.url === '/health/ready' ? answer : 404).end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => new Promise((resolve) => server.close(resolve)))

  test('passes where it is ready, and not where it is not or does not answer', async () => {
    expect(await check(port())).toEqual({ status: 0, stdout: '', stderr: '' })
    answer = 503
    expect(await check(port())).toEqual({ status: 1, stdout: '', stderr: '/health/ready answers 503\n' })
    const { status, stderr } = await check(1)
    expect(status).toBe(1)
    expect(stderr).toContain('/health/ready does not answer')
  })
})

test('the Dockerfile builds the image by the same script, of the same Node as the tests', () => {
  expect(DOCKERFILE).toContain('node infra/build-image-files.mjs /image')
  expect(DOCKERFILE).toContain('COPY --from=build /image /app')
  expect(DOCKERFILE).toMatch(/^USER 10001:10001$/m)
  const version = /^node24_version=(.*)$/m.exec(readFileSync(join(ROOT, '.ci', 'run'), 'utf8'))?.[1]
  expect([...DOCKERFILE.matchAll(/^FROM node:([\d.]+)-/gm)].map(([, tag]) => tag)).toEqual([version, version])
})
