import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { forgetBroker, refuseRunningBroker, type RunningMark } from './cluster-folder'

let root: string
let child: ChildProcess
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'riskledger-cluster-'))
  mkdirSync(join(root, 'node 1'))
  writeFileSync(join(root, 'node 1', 'server.properties'), '')
})
afterEach(async () => {
  await end()
  rmSync(root, { recursive: true })
})

/** A process with the command line of a broker on these settings, until its input ends. */
async function runBroker(settingsFile: string): Promise<RunningMark> {
  child = spawn('/bin/sh', ['-c', 'echo up; read -r end', 'java', '-cp', 'jars', 'kafka.Kafka', settingsFile], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(child.stdout!, 'data')
  const mark = { pidFile: join(root, 'node 1', 'broker.pid'), settingsFile: join(root, 'node 1', 'server.properties') }
  writeFileSync(mark.pidFile, `${child.pid}\n`)
  return mark
}

async function end(): Promise<void> {
  if (child.exitCode !== null) return
  const ended = once(child, 'exit')
  child.stdin!.end()
  await ended
}

const withProc = existsSync('/proc/self/cmdline') ? test : test.skip

describe.each([
  ['/proc', withProc, {}],
  ['ps', test, { procFolder: '/nowhere' }],
] as const)('by %s', (_, check, options) => {
  check('a broker that runs is refused, and one that has ended is not', async () => {
    const mark = await runBroker(join(root, 'node 1', 'server.properties'))
    expect(() => refuseRunningBroker(mark, options)).toThrow(
      expect.objectContaining({
        code: 'data-folder-in-use',
        message: expect.stringContaining(`A Kafka broker (process ${child.pid}) runs on ${mark.settingsFile} already`),
      }),
    )
    await end()
    refuseRunningBroker(mark, options)
  })

  check('by whatever path it was started', async () => {
    symlinkSync(join(root, 'node 1'), join(root, 'link'))
    const mark = await runBroker(join(root, 'link', 'server.properties'))
    expect(() => refuseRunningBroker(mark, options)).toThrow('runs on')
  })

  check('another process with its number is none', async () => {
    refuseRunningBroker(await runBroker(join(root, 'other', 'server.properties')), options)
  })
})

withProc('without ps, /proc tells', async () => {
  const mark = await runBroker(join(root, 'node 1', 'server.properties'))
  expect(() => refuseRunningBroker(mark, { ps: '/nowhere/ps' })).toThrow('runs on')
})

test('with neither, a process with its number is refused, and what to do is said', async () => {
  const mark = await runBroker(join(root, 'node 1', 'server.properties'))
  const sources = { procFolder: '/nowhere', ps: '/nowhere/ps' }
  expect(() => refuseRunningBroker(mark, sources)).toThrow(
    expect.objectContaining({ code: 'data-folder-in-use', message: expect.stringContaining(`or remove ${mark.pidFile}`) }),
  )
  await end()
  refuseRunningBroker(mark, sources)
})

test('the mark of a broker that has ended goes, and that of another stays', async () => {
  const { pidFile } = await runBroker(join(root, 'node 1', 'server.properties'))
  forgetBroker(pidFile, child.pid! + 1)
  expect(readFileSync(pidFile, 'utf8')).toBe(`${child.pid}\n`)
  forgetBroker(pidFile, child.pid!)
  expect(existsSync(pidFile)).toBe(false)
  forgetBroker(pidFile, child.pid!)
})
