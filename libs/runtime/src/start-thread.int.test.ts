import { RiskError } from '@riskledger/contracts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { runThread } from './run-thread'
import { loadThread, startThread, type LoadingThread, type Thread, type ThreadOptions } from './start-thread'
import type { EchoInput } from './testing/echo-thread'
import { INPUT_FOLLOWS } from './thread-protocol'

const modulePath = join(__dirname, 'testing', 'echo-thread.ts')

function start(
  mode: EchoInput['mode'],
  options: Partial<ThreadOptions> & { readonly path?: string } = {},
): Thread<{ serving: boolean }, string> {
  const { path = modulePath, ...rest } = options
  return startThread(path, { name: 'echo', input: { mode } satisfies EchoInput, ...rest })
}

describe('startThread', () => {
  test('runs a TypeScript module: ready, messages both ways, stop, result', async () => {
    let heard = (_: unknown): void => undefined
    const echoed = new Promise((resolve) => (heard = resolve))
    const thread = start('echo', { onMessage: heard })
    thread.post('before it listens')
    expect(await thread.ready).toEqual({ serving: true })
    expect(await echoed).toEqual({ echo: 'before it listens' })
    expect(await thread.stop()).toBe('drained')
    expect(await thread.done).toBe('drained')
  })

  test('hands bytes over: they move to the starter', async () => {
    const heard: unknown[] = []
    const thread = start('hand-over', { onMessage: (message) => heard.push(message) })
    expect(await thread.done).toBe(0)
    expect(heard).toEqual([{ bytes: Uint8Array.of(1, 2, 3) }])
  })

  test('runs a bundle as it is', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'riskledger-thread-'))
    try {
      const path = join(folder, 'echo.js')
      await build({ entryPoints: [modulePath], bundle: true, platform: 'node', format: 'cjs', outfile: path, logLevel: 'silent' })
      const thread = start('echo', { path })
      await thread.ready
      expect(await thread.stop()).toBe('drained')
      await expect(start('fail', { path }).done).rejects.toBeInstanceOf(RiskError)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('a RiskError of the thread is one for its starter, with code, context and cause', async () => {
    const thread = start('fail')
    const error = await thread.done.catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(RiskError)
    expect(error).toMatchObject({
      code: 'disk-full',
      retriable: true,
      context: { free: 0 },
      message: 'no room left',
      cause: { message: 'ENOSPC' },
    })
    await expect(thread.ready).rejects.toBe(error)
  })

  test('any other error keeps its name, message and stack', async () => {
    const error = (await start('fail-plainly').done.catch((reason: unknown) => reason)) as Error
    expect(error).toMatchObject({ name: 'TypeError', message: 'not a function' })
    expect(error.stack).toContain('echo-thread.ts')
  })

  test.each([
    ['crash', 'thread echo crashed: thrown where nobody catches'],
    ['exit', 'thread echo ended with exit code 3 before it was done'],
  ] as const)('a thread that dies (%s) rejects ready and done', async (mode, message) => {
    const thread = start(mode)
    await expect(thread.done).rejects.toThrow(message)
    await expect(thread.ready).rejects.toThrow(message)
  })

  test('a module that is not there rejects', async () => {
    await expect(start('echo', { path: join(__dirname, 'no-such-thread.ts') }).done).rejects.toThrow('thread echo crashed')
  })

  test('a thread that does not stop in time is ended by force', async () => {
    const thread = start('hang', { stopTimeoutMs: 10 })
    await thread.ready
    await expect(thread.stop()).rejects.toThrow('thread echo did not stop within 10 ms and was ended by force')
  })

  test('terminate ends it at once, like a crash', async () => {
    const thread = start('hang')
    await thread.ready
    await thread.terminate()
    await expect(thread.done).rejects.toThrow('thread echo was terminated')
  })

  test('a thread that finishes without serving says so to whoever waits for it', async () => {
    const thread = start('finish-unready')
    expect(await thread.done).toBe('finished')
    await expect(thread.ready).rejects.toThrow('thread echo ended without having been ready')
  })
})

test('runThread outside a thread is a mistake that says so', () => {
  expect(() => runThread(() => Promise.resolve())).toThrow('runThread was called outside a thread')
})

describe('loadThread', () => {
  const load = (): LoadingThread<{ serving: boolean }, string> => loadThread(modulePath, 'echo')
  const input: EchoInput = { mode: 'echo' }

  test('begins once it is given what to do, and is left alone from then on', async () => {
    const loading = load()
    let heard = (_: unknown): void => undefined
    const echoed = new Promise((resolve) => (heard = resolve))
    expect(() => loading.begin(() => undefined)).toThrow('could not be cloned')
    const thread = loading.begin(input, heard)
    expect(() => loading.begin(input)).toThrow('thread echo has begun, or was ended')
    expect(await thread.ready).toEqual({ serving: true })
    thread.post('hello')
    expect(await echoed).toEqual({ echo: 'hello' })
    await loading.end()
    expect(await thread.stop()).toBe('drained')
  })

  test('is gone once it is ended, and begins no more', async () => {
    const ports = (): number => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length
    const before = ports()
    const loading = load()
    expect(ports()).toBeGreaterThan(before)
    await loading.end()
    await loading.end()
    expect(ports()).toBe(before)
    expect(() => loading.begin(input)).toThrow('thread echo has begun, or was ended')
  })

  test('that is stopped before it has its input says so', async () => {
    await expect(startThread(modulePath, { name: 'echo', input: INPUT_FOLLOWS }).stop()).rejects.toThrow(
      'it was stopped before it was given its input',
    )
  })
})
