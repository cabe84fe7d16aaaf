import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { Kafka, logLevel, type KafkaConfig } from 'kafkajs'
import { isPortFree } from './free-ports'
import { runningCommand } from './running-command'
import { startDevBroker, type DevBroker } from './start-dev-broker'
import { canStartFromJars, NO_BROKER } from './why-no-broker'

const canRun = canStartFromJars()
const withBroker = canRun || process.env.CI === 'true' ? test : test.skip
if (!canRun) console.log(NO_BROKER)

let folder: string
let broker: DevBroker | undefined
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'riskledger-dev-broker-'))))
afterEach(async () => {
  await broker?.stop()
  broker = undefined
  rmSync(folder, { recursive: true })
})

function client(brokers: string[]): Kafka {
  const retry: KafkaConfig['retry'] = { initialRetryTime: 100, retries: 30, maxRetryTime: 1_000 }
  return new Kafka({ clientId: 'test', brokers, logLevel: logLevel.NOTHING, retry })
}

async function createTopic(kafka: Kafka, topic: string): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true })
  await admin.disconnect()
}

async function produce(kafka: Kafka, { topic, values }: { readonly topic: string; readonly values: readonly string[] }): Promise<void> {
  const producer = kafka.producer({ idempotent: true })
  await producer.connect()
  await producer.send({ topic, acks: -1, messages: values.map((value) => ({ key: 'k', value })) })
  await producer.disconnect()
}

/** Reads a topic from its beginning until so many records have come. */
async function consume(kafka: Kafka, { topic, count }: { readonly topic: string; readonly count: number }): Promise<string[]> {
  const consumer = kafka.consumer({ groupId: `${topic}-${count}`, maxWaitTimeInMs: 100 })
  const values: string[] = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  try {
    await new Promise<void>((resolve, reject) => {
      const run = consumer.run({
        eachMessage: async ({ message }) => {
          if (values.push(message.value!.toString()) === count) resolve()
        },
      })
      run.catch(reject)
    })
  } finally {
    await consumer.disconnect()
  }
  return values
}

withBroker(
  'what one node acknowledged is there after it was killed, at the same address, and after a new start on its folder',
  async () => {
    const died: number[] = []
    broker = await startDevBroker({ folder, onNodeDied: (id) => died.push(id) })
    const [node] = broker.nodes
    const kafka = client(broker.brokers)
    await createTopic(kafka, 'kept')
    await produce(kafka, { topic: 'kept', values: ['a', 'b'] })
    expect(await consume(kafka, { topic: 'kept', count: 2 })).toEqual(['a', 'b'])

    const { pid } = node
    await node.kill()
    expect(node.pid).toBeUndefined()
    await node.start()
    expect(node.pid).not.toBe(pid)
    expect(node.broker).toBe(broker.brokers[0])
    await produce(kafka, { topic: 'kept', values: ['c'] })
    expect(await consume(kafka, { topic: 'kept', count: 3 })).toEqual(['a', 'b', 'c'])

    await broker.stop()
    broker = await startDevBroker({ folder })
    await produce(client(broker.brokers), { topic: 'kept', values: ['d'] })
    expect(await consume(client(broker.brokers), { topic: 'kept', count: 4 })).toEqual(['a', 'b', 'c', 'd'])
    expect(readFileSync(join(folder, 'node-1', 'server.log'), 'utf8')).toContain('Kafka Server started')
    expect(died).toEqual([])
  },
)

withBroker('a node that ends by itself is told of', async () => {
  const died = new Promise<number>((resolve) => {
    void startDevBroker({ folder, onNodeDied: resolve }).then((started) => {
      broker = started
      process.kill(started.nodes[0].pid!, 'SIGKILL')
    })
  })
  expect(await died).toBe(1)
})

withBroker('a folder in use is refused, and its broker is not disturbed', async () => {
  broker = await startDevBroker({ folder })
  await expect(startDevBroker({ folder })).rejects.toMatchObject({
    code: 'data-folder-in-use',
    message: expect.stringContaining(`A Kafka broker (process ${broker.nodes[0].pid}) runs on ${folder}`),
  })
  await createTopic(client(broker.brokers), 'still-there')
})

withBroker('a node that cannot start says why in the words of Kafka', async () => {
  broker = await startDevBroker({ folder })
  await broker.stop()
  writeFileSync(join(folder, 'node-1', 'data', 'meta.properties'), 'version=1\nnode.id=1\ncluster.id=another-cluster-altogeth\n')
  writeFileSync(join(folder, 'node-1', 'data', 'bootstrap.checkpoint'), 'no checkpoint')
  await expect(startDevBroker({ folder })).rejects.toMatchObject({
    code: 'log-unavailable',
    message: expect.stringMatching(/node 1 ended before it was ready\. .*server\.log says:\n.* (ERROR|FATAL) /),
  })
})

withBroker('the broker dies with the process that started it, though that is killed', async () => {
  const starter = spawn(
    process.execPath,
    ['--import', pathToFileURL(require.resolve('tsx')).href, join(__dirname, 'testing', 'broker-process.ts'), folder],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const line = await new Promise<string>((resolve) => createInterface(starter.stdout).once('line', resolve))
  const { pid, broker: address } = JSON.parse(line) as { pid: number; broker: string }
  const port = Number(address.split(':')[1])
  expect(await isPortFree(port)).toBe(false)
  starter.kill('SIGKILL')
  await until(async () => runningCommand(pid).kind === 'none' && (await isPortFree(port)))
})

withBroker('no guard outlives its broker', async () => {
  broker = await startDevBroker({ folder })
  const guards = (): string[] => commandLines().filter((line) => line.includes(folder))
  expect(guards().length).toBeGreaterThan(0)
  await broker.stop()
  await until(async () => guards().length === 0)
})

test.each([
  [{ nodes: 2 as 1 }, 'has 1 node or 3, not 2'],
  [{ heapMiB: 64 }, 'a heap of at least 128 MiB'],
  [{ ports: [9_092, 9_093] }, '1 node(s) take 1 different port(s)'],
  [{ ports: [70_000] }, '1 node(s) take 1 different port(s)'],
  [{ nodes: 3 as const, secured: { port: 9_093, username: 'u', password: 'p' } }, 'A secured port belongs to one node'],
  [{ secured: { port: 9_093, username: 'u', password: 'with "quotes"' } }, 'letters, digits, _ and -'],
  [{ nodes: 3 as const, classArchiveFile: 'classes.jsa' }, 'One node writes an archive of its classes'],
  [{ nodes: 3 as const, ports: [9_092, 9_092, 9_093] }, '3 node(s) take 3 different port(s)'],
])('refuses %p', async (options, message) => {
  await expect(startDevBroker({ folder, ...options })).rejects.toMatchObject({
    code: 'configuration-invalid',
    message: expect.stringContaining(message),
  })
  expect(readdirSync(folder)).toEqual([])
})

withBroker('refuses a port that is taken', async () => {
  broker = await startDevBroker({ folder })
  const taken = Number(broker.brokers[0].split(':')[1])
  const other = join(folder, 'other')
  await expect(startDevBroker({ folder: other, ports: [taken] })).rejects.toMatchObject({
    code: 'configuration-invalid',
    message: `Port ${taken} of 127.0.0.1 is taken. Stop what listens there, or name another.`,
  })
})

function commandLines(): string[] {
  return execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n')
}

/** Looks again and again, up to Jest's own limit. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
}
