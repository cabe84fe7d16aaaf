import { Kafka, logLevel } from 'kafkajs'
import { findTestBroker, type TestBroker } from '@riskledger/dev-broker'
import { FaultProxy } from '@riskledger/testing'
import { ChaosHouse, type ChaosHouseOptions } from './chaos-house'
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
    const { ledgerProcess, ...rest } = await open({ brokers })
    void rest
    const screeners = [house!.screener(), house!.screener()]
    const relations = house!.relations()
    await startAll([...screeners, relations])
    await house!.publish(1_500)
    for (let round = 0; round < 5; round++) {
      await pass(choice.whole(300, 900))
      const all = [...screeners, relations, ledgerProcess]
      const hit = round === 4 ? all : [choice.one(all)]
      await Promise.all(hit.map((process) => process.end('SIGKILL')))
      // The ledger first: the others wait for it.
      for (const process of [...hit].reverse()) await process.start().ready
    }
    await pass(500)
    await expectEveryInputOnce()
  },
)
