import type { Ledger } from '@riskledger/contracts'
import { LookUp } from './look-up'
import { GatewayBench, payment } from './testing/gateway-bench'

let bench: GatewayBench
beforeEach(() => {
  bench = new GatewayBench()
})
afterEach(() => bench.close())

test('look-ups go side by side, so many at once; the others follow in order, and a look-up that fails gives its place to the next', async () => {
  await bench.open()
  await bench.screen({ pace: { batchInputs: 4, snapshotInputs: 1_000_000 } })
  const decided = await Promise.all(Array.from({ length: 60 }, (_, i) => bench.decide(payment(i + 1))))
  const sequences = decided.map(({ body }) => body['sequence'] as number)
  let underWay = 0
  let most = 0
  let failing = true
  const held: (() => void)[] = []
  const ledger = {
    readStream: async function* (...args: Parameters<Ledger['readStream']>) {
      most = Math.max(most, ++underWay)
      try {
        await new Promise<void>((resolve) => held.push(resolve))
        if (failing) throw new Error('once')
        yield* bench.ledger.readStream(...args)
      } finally {
        underWay--
      }
    },
  } as unknown as Ledger
  const lookUp = new LookUp({ ledger, environment: '', partitionCount: 1, lookBackBytes: 1e6 })
  const found = sequences.map((sequence) => lookUp.atSequence(0, sequence).catch((error: Error) => error.message))
  await Promise.resolve()
  expect(held).toHaveLength(16)
  let settled = 0
  for (const one of found) void one.then(() => settled++)
  while (settled < found.length) {
    for (const release of held.splice(0)) release()
    await new Promise((resolve) => setImmediate(resolve))
    failing = false
  }
  expect(most).toBe(16)
  const outcomes = await Promise.all(found)
  expect(outcomes.filter((one) => one === 'once').length).toBeGreaterThan(0)
  outcomes.forEach((one, i) => one !== 'once' && expect(one).toMatchObject({ outcome: { sequence: sequences[i], status: 'screened' } }))
})

describe('searches for an event', () => {
  const EVENT = payment(1).eventId

  /** A ledger whose reads wait until they are let go, and how many have begun. */
  function heldLedger() {
    const held: (() => void)[] = []
    const begun = { reads: 0 }
    const ledger = {
      readStream: async function* (...args: Parameters<Ledger['readStream']>) {
        begun.reads++
        await new Promise<void>((resolve) => held.push(resolve))
        yield* bench.ledger.readStream(...args)
      },
    } as unknown as Ledger
    /** Lets everything go until the promise is settled. */
    const settle = async <T>(promise: Promise<T>): Promise<T> => {
      let settled = false
      void promise.finally(() => (settled = true)).catch(() => undefined)
      while (!settled) {
        for (const release of held.splice(0)) release()
        await new Promise((resolve) => setImmediate(resolve))
      }
      return promise
    }
    return { begun, settle, lookUp: new LookUp({ ledger, environment: '', partitionCount: 1, lookBackBytes: 1e6 }) }
  }

  test('wait as far as so many may; more are refused', async () => {
    const { lookUp, settle } = heldLedger()
    const taken = Array.from({ length: 4 + 64 }, () => lookUp.ofEvent(EVENT))
    await expect(lookUp.ofEvent(EVENT)).rejects.toMatchObject({ problem: { code: 'overloaded', retryAfterSeconds: 1 } })
    await settle(Promise.all(taken))
    expect(await settle(lookUp.ofEvent(EVENT))).toEqual({ kind: 'not-found', whole: true })
  })

  test('read nothing where the caller has gone meanwhile', async () => {
    const { lookUp, settle, begun } = heldLedger()
    const running = Array.from({ length: 4 }, () => lookUp.ofEvent(EVENT))
    let gone = false
    const waiting = lookUp.ofEvent(EVENT, () => gone)
    gone = true
    await settle(Promise.all(running))
    const readsBefore = begun.reads
    expect(await settle(waiting)).toEqual({ kind: 'not-found', whole: false })
    expect(begun.reads).toBe(readsBefore)
  })

  test('stop between two entries once the caller has gone', async () => {
    await bench.open()
    await bench.screen({ pace: { batchInputs: 1, snapshotInputs: 1_000_000 } })
    for (const id of [1, 2, 3, 4]) await bench.decide(payment(id))
    let entries = 0
    const ledger = {
      readStream: async function* (...args: Parameters<Ledger['readStream']>) {
        for await (const entry of bench.ledger.readStream(...args)) {
          if (args[1].direction === 'backwards') entries++
          yield entry
        }
      },
    } as unknown as Ledger
    const lookUp = new LookUp({ ledger, environment: '', partitionCount: 1, lookBackBytes: 1e6 })
    expect(await lookUp.ofEvent(payment(99).eventId, () => entries >= 2)).toEqual({ kind: 'not-found', whole: false })
    expect(entries).toBe(2)
  })
})
