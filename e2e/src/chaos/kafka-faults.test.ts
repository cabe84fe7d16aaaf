import { Kafka, logLevel, type Admin } from 'kafkajs'
import { findTestBroker, type TestBroker } from '@riskledger/dev-broker'
import { FaultProxy } from '@riskledger/testing'
import { ChaosHouse, type ChaosHouseOptions } from './chaos-house'
import { scenarioRecords, type ScenarioRecord } from './scenario-records'
import { SeededChoice } from './seeded-choice'
import type { ServiceProcess } from './service-process'

/** Printed with every failure, and repeated with RISKLEDGER_CHAOS_SEED. */
const SEED = Number(process.env.RISKLEDGER_CHAOS_SEED ?? Date.now() % 1_000_000)
const PARTITIONS = 4

let broker: TestBroker
let house: ChaosHouse | undefined
let choice: SeededChoice
const proxies: FaultProxy[] = []

beforeAll(async () => {
  broker = await findTestBroker()
})
afterAll(async () => {
  if (broker.kind === 'found') await broker.close()
})
beforeEach(() => {
  choice = new SeededChoice(SEED)
})
afterEach(async () => {
  await house?.close()
  house = undefined
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()))
})

/** A test of a guarantee, with the seed in its failure; skipped by name where there is no broker. */
function guarantee(name: string, body: (brokers: readonly string[]) => Promise<void>): void {
  test(name, async () => {
    if (broker.kind === 'skipped') return void process.stderr.write(`${name}: ${broker.reason}\n`)
    try {
      await body(broker.brokers)
    } catch (error) {
      throw new Error(`seed ${SEED}: ${(error as Error).message}\n${house?.said() ?? ''}`, { cause: error })
    }
  })
}

async function open(options: Omit<ChaosHouseOptions, 'seed' | 'partitionCount'>): Promise<ChaosHouse> {
  house = await ChaosHouse.open({ ...options, seed: SEED, partitionCount: PARTITIONS })
  return house
}

/** Until the publisher's records have grown by so many: time, counted in work. */
async function pass(records: number): Promise<void> {
  const until = house!.publisher!.acknowledged + records
  while (house!.publisher!.acknowledged < until) await new Promise((resolve) => setTimeout(resolve, 5))
}

async function startAll(processes: readonly ServiceProcess[]): Promise<void> {
  await Promise.all(processes.map((process) => process.start().ready))
}

async function expectEveryInputOnce(): Promise<void> {
  const check = await house!.check()
  expect(check.faults).toEqual([])
  expect(check.inputs).toBeGreaterThanOrEqual(house!.publisher!.acknowledged)
  await house!.expectProven()
}

guarantee(
  'kill -9 of screeners, relations and the ledger server, one at a time and all at once, loses and repeats nothing',
  async (brokers) => {
    const { ledgerProcess } = await open({ brokers })
    const screeners = [house!.screener('0-1'), house!.screener('2-3')]
    const relations = house!.relations()
    await startAll([...screeners, relations])
    await house!.publish(1_500)
    for (let round = 0; round < 5; round++) {
      await pass(choice.whole(300, 900))
      const all = [ledgerProcess, ...screeners, relations]
      const hit = round === 4 ? all : [choice.one(all)]
      await Promise.all(hit.map((process) => process.end('SIGKILL')))
      // The ledger first: nobody else can begin without it.
      if (hit.includes(ledgerProcess)) await ledgerProcess.start().ready
      await startAll(hit.filter((process) => process !== ledgerProcess))
    }
    await pass(500)
    await expectEveryInputOnce()
  },
)

guarantee(
  'replies that are dropped, messages that are cut, delays and refusals between worker and ledger lose and repeat nothing',
  async (brokers) => {
    let proxy: FaultProxy | undefined
    await open({
      brokers,
      proxyLedger: async (port) => {
        proxy = await FaultProxy.start({ port })
        proxies.push(proxy)
        return proxy.port
      },
    })
    await startAll([house!.screener('0-3'), house!.relations()])
    await house!.publish(1_500)
    for (const fault of ['drop-replies', 'cut', 'delay', 'refuse', 'drop-replies', 'cut'] as const) {
      await pass(choice.whole(200, 600))
      const before = proxy!.disturbed
      proxy!.set(fault === 'delay' ? { kind: fault, delayMs: choice.whole(20, 300) } : { kind: fault })
      await pass(choice.whole(300, 800))
      if (fault !== 'refuse') expect(proxy!.disturbed).toBeGreaterThan(before)
      proxy!.set({ kind: 'forward' })
      // What waits for a reply that was swallowed learns that it will not come.
      if (fault === 'drop-replies') proxy!.endAll()
    }
    await expectEveryInputOnce()
  },
)

guarantee('of two screeners that are ordered onto one partition, the newer works and the older ends as fenced', async (brokers) => {
  await open({ brokers })
  const [older, newer] = [house!.screener('0-3'), house!.screener('0-3')]
  await startAll([older, house!.relations()])
  await house!.publish(1_000)
  await pass(500)
  await newer.start().ready
  const ended = await older.whenEnded()
  expect(ended.code).toBe(1)
  expect(older.stderr).toMatch(/was written by another worker|another worker took the partition over/)
  await pass(500)
  await expectEveryInputOnce()
  expect(newer.isRunning).toBe(true)
})

guarantee('a topic that was truncated past the position stops the screener with a named error, and nothing is skipped', async (brokers) => {
  await open({ brokers })
  const screener = house!.screener('0-3')
  await startAll([screener, house!.relations()])
  await house!.publish(1_000)
  await pass(500)
  await screener.end('SIGTERM')
  await pass(1_000)
  await house!.publisher!.stop()
  const topic = `${house!.environment}raw.payments`
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const ends = await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions: ends.map(({ partition, high }) => ({ partition, offset: high })) })
  } finally {
    await admin.disconnect()
  }
  screener.start()
  const ended = await screener.whenEnded()
  expect(ended.code).toBe(1)
  expect(screener.stderr).toMatch(/Offset \d+ of payments, partition \d, is outside of the log/)
})

guarantee(
  'transactions are taken when they are committed and left out when they are aborted, their offsets named as gaps',
  async (brokers) => {
    await open({ brokers })
    await startAll([house!.screener('0-3'), house!.relations()])
    await house!.publish(1_000)
    const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING })
    const producer = kafka.producer({ transactionalId: `${house!.environment}tx`, maxInFlightRequests: 1, idempotent: true })
    await producer.connect()
    try {
      const records = scenarioRecords({ seed: SEED + 1, partitionCount: PARTITIONS })
      for (let round = 0; round < 8; round++) {
        const transaction = await producer.transaction()
        for (let count = 0; count < 20; count++) {
          const { topic, partition, key, value } = records.next().value as ScenarioRecord
          await transaction.send({ topic: `${house!.environment}raw.${topic}`, messages: [{ partition, key, value }] })
        }
        await (round % 2 === 0 ? transaction.commit() : transaction.abort())
      }
    } finally {
      await producer.disconnect()
    }
    await pass(300)
    const check = await house!.check()
    expect(check.faults).toEqual([])
    // 80 aborted records, and a marker for each partition of each transaction.
    expect(check.gapOffsets).toBeGreaterThan(80)
    await house!.expectProven()
  },
)

guarantee(
  'workers that join and leave under load, and one that is held past its session and let go on, lose and repeat nothing',
  async (brokers) => {
    await open({ brokers })
    const steady = house!.screener()
    await startAll([steady, house!.relations()])
    await house!.publish(800)
    const visitors = [house!.screener(), house!.screener()]
    for (let round = 0; round < 4; round++) {
      const visitor = visitors[round % 2]
      await startAll([visitor])
      await pass(choice.whole(200, 800))
      await visitor.end(choice.one(['SIGKILL', 'SIGTERM'] as const))
    }
    // A zombie: it holds a batch while others take its partitions, and finds its append refused.
    const zombie = house!.screener()
    await startAll([zombie])
    await untilAssigned(zombie)
    zombie.signal('SIGSTOP')
    await pass(8_000)
    zombie.signal('SIGCONT')
    await pass(1_000)
    await expectEveryInputOnce()
  },
)

guarantee('committed offsets that are moved ahead, moved behind or wiped change nothing: the journal decides', async (brokers) => {
  await open({ brokers })
  const screener = house!.screener()
  await startAll([screener, house!.relations()])
  await house!.publish(1_000)
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    for (const move of ['ahead', 'behind', 'wiped'] as const) {
      await pass(400)
      await screener.end('SIGTERM')
      await pass(400)
      const groupId = `${house!.environment}riskledger-screener`
      if (move === 'wiped') await admin.deleteGroups([groupId])
      else await admin.setOffsets({ groupId, topic: `${house!.environment}raw.payments`, partitions: await offsetsOf(admin, move) })
      await startAll([screener])
    }
  } finally {
    await admin.disconnect()
  }
  await pass(300)
  await expectEveryInputOnce()
})

async function offsetsOf(admin: Admin, move: 'ahead' | 'behind'): Promise<{ partition: number; offset: string }[]> {
  const ends = await admin.fetchTopicOffsets(`${house!.environment}raw.payments`)
  return ends.map(({ partition, low, high }) => ({ partition, offset: move === 'ahead' ? high : low }))
}

/** Until a screener of a group has told of a partition. */
async function untilAssigned(screener: ServiceProcess): Promise<void> {
  while (!screener.printed.some(({ assigned }) => Array.isArray(assigned) && assigned.length > 0)) await screener.whenTold()
}
