import { RiskError } from '@riskledger/contracts'
import { decodeRisk } from '@riskledger/events'
import { createMetrics, type Loop } from '@riskledger/runtime'
import type { PositionStore } from './dispatch-position'
import { ID_HEADER } from './message-headers'
import type { OutgoingMessage } from './publisher'
import { DispatcherBench } from './testing/dispatcher-bench'
import { MadeLedger, payment, type MadeInput } from './testing/made-ledger'

function payments(count: number, first = 1, accounts = 3): MadeInput[] {
  return Array.from({ length: count }, (_, index) =>
    payment(`a-${(first + index) % accounts}`, first + index, index % 4 === 1 ? 'hold' : 'allow'),
  )
}

async function ledgerOf(batches: readonly (readonly MadeInput[])[]): Promise<MadeLedger> {
  const made = new MadeLedger()
  await made.open(0)
  for (const batch of batches) await made.screen(0, batch)
  return made
}

function sequences(messages: readonly OutgoingMessage[]): number[] {
  return messages.map(({ value }) => {
    const decoded = decodeRisk('VerdictPublished', value)
    if (decoded.kind === 'rejected') throw new Error(decoded.detail)
    return decoded.event.sequence
  })
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}

test('publishes every input in the order of the journal, and what comes while it runs', async () => {
  const made = await ledgerOf([payments(5), [], payments(3, 6)])
  const bench = new DispatcherBench(made)
  let more = 3
  await bench.run(() => {
    const count = bench.published()
    if (count >= 8 && more > 0) void (more--, made.screen(0, payments(2, count + 1)))
    return count >= 14
  })
  expect(sequences(bench.broker.messagesOf('risk.verdicts'))).toEqual(upTo(14))
  expect(bench.broker.messagesOf('risk.quarantine')).toEqual([])
})

test('a large batch waits for its decisions, and goes out in calls of at most 1,000 messages', async () => {
  const made = await ledgerOf([payments(2_600)])
  const bench = new DispatcherBench(made)
  await bench.runToEnd(2_600)
  expect(bench.broker.calls.map((call) => call.length)).toEqual([1_000, 1_000, 600])
  expect(sequences(bench.broker.messagesOf('risk.verdicts'))).toEqual(upTo(2_600))
})

test('small batches that are there go out together', async () => {
  const made = await ledgerOf(upTo(50).map((number) => payments(2, number * 2 - 1)))
  const bench = new DispatcherBench(made)
  await bench.runToEnd(100)
  expect(bench.broker.calls.length).toBeLessThan(10)
  expect(sequences(bench.broker.messagesOf('risk.verdicts'))).toEqual(upTo(100))
})

describe('killed at any moment, it goes on with nothing missing', () => {
  const refused: MadeInput = { topic: 'unparsable', body: Buffer.from('x'), status: 'quarantined', reason: 'not-json' }
  const batches = [payments(3), [refused, ...payments(20, 4)], payments(2, 24), [refused]]
  const callMessages = 5
  const inputs = batches.flat().length

  test.each(upTo(12))('at crash point %d, again and again', async (killAt) => {
    const made = await ledgerOf(batches)
    const bench = new DispatcherBench(made)
    let runs = 1
    let published = 0
    let largestCall = 0
    while (await bench.runToEnd(inputs, { killAt, callMessages })) {
      runs++
      largestCall = Math.max(largestCall, ...bench.broker.calls.map((call) => call.length))
      // Where it was killed before it got any further, the next lives longer.
      if (bench.published() === published) killAt++
      published = bench.published()
    }
    expect(runs).toBeGreaterThan(1)
    const messages = bench.broker.messagesOf('risk.verdicts')
    expect(largestCall).toBeLessThanOrEqual(callMessages + 1)
    const first = new Map<string, OutgoingMessage>()
    for (const message of messages) {
      const before = first.get(message.headers[ID_HEADER])
      if (before === undefined) first.set(message.headers[ID_HEADER], message)
      else expect(message.value).toEqual(before.value)
    }
    expect(sequences([...first.values()])).toEqual(upTo(inputs))
    expect(messages.length - inputs).toBeLessThanOrEqual((runs - 1) * largestCall)
    expect(bench.broker.firstIds('risk.quarantine')).toHaveLength(2)
    expect(new Set(bench.reached)).toContain('messages-published')
  })

  test('every crash point is one of them', async () => {
    const bench = new DispatcherBench(await ledgerOf(batches))
    await bench.runToEnd(inputs, { callMessages })
    expect(new Set(bench.reached.slice(0, 12))).toEqual(
      new Set(['messages-made', 'messages-publishing', 'messages-published', 'position-saved']),
    )
  })

  test('without a kill nothing is published twice', async () => {
    const bench = new DispatcherBench(await ledgerOf(batches))
    await bench.runToEnd(inputs)
    expect(bench.broker.messagesOf('risk.verdicts')).toHaveLength(inputs)
  })
})

test.each(['unavailable', 'half', 'answer-lost'] as const)(
  'a call that ends as %s is made again, and keeps the order of each account',
  async (fault) => {
    const made = await ledgerOf([payments(40), payments(40, 41)])
    const bench = new DispatcherBench(made)
    let calls = 0
    bench.broker.fault = () => (++calls % 2 === 1 ? fault : 'none')
    await bench.run(() => bench.broker.firstIds('risk.verdicts').length + bench.broker.firstIds('risk.verdicts', 1).length >= 80, {
      topicPartitions: 2,
    })
    for (const partition of [0, 1]) {
      const messages = bench.broker.messagesOf('risk.verdicts', partition)
      const byId = new Map(messages.map((message) => [message.headers[ID_HEADER], message]))
      const order = sequences(bench.broker.firstIds('risk.verdicts', partition).map((id) => byId.get(id)!))
      expect(order).toEqual([...order].sort((a, b) => a - b))
      expect(order.length).toBeGreaterThan(10)
    }
    expect(bench.logger.lines.some(({ message }) => message === 'trying again')).toBe(true)
  },
)

test('a position that finds no room is kept later, and nothing is published again meanwhile', async () => {
  const made = await ledgerOf([payments(40)])
  const bench = new DispatcherBench(made)
  let saves = 0
  const positions: PositionStore = {
    load: (stream) => bench.positions.load(stream),
    save: async (stream, position) => {
      if (++saves % 3 !== 0) throw new RiskError('disk-full', 'full', { retriable: true })
      await bench.positions.save(stream, position)
    },
    placeOf: (stream) => bench.positions.placeOf(stream),
  }
  await bench.runToEnd(40, { positions, callMessages: 10 })
  expect(saves).toBe(12)
  expect(sequences(bench.broker.messagesOf('risk.verdicts'))).toEqual(upTo(40))
})

test('a ledger that is away for a while is waited for', async () => {
  const made = await ledgerOf([payments(3)])
  const bench = new DispatcherBench(made)
  let failures = 3
  const { ledger } = made
  const flaky = Object.create(ledger) as typeof ledger
  flaky.subscribeToStream = (stream, options) => {
    if (failures-- > 0) throw new RiskError('ledger-unavailable', 'away', { retriable: true })
    return ledger.subscribeToStream(stream, options)
  }
  await bench.runToEnd(3, { ledger: flaky })
  expect(sequences(bench.broker.messagesOf('risk.verdicts'))).toEqual([1, 2, 3])
})

test('what is tried again shows, and no longer once the ledger answers, whether it has news or not', async () => {
  const made = await ledgerOf([payments(3)])
  const bench = new DispatcherBench(made)
  const { ledger } = made
  const stopping = new AbortController()
  const loops: Pick<Loop, 'retrying'>[] = []
  const told: (string | undefined)[] = []
  let subscriptions = 0
  const flaky = Object.create(ledger) as typeof ledger
  flaky.subscribeToStream = async function* (stream, options) {
    const isLast = ++subscriptions === 4
    told.push(loops[0].retrying?.reason)
    if (!isLast && subscriptions !== 1) throw new RiskError('ledger-unavailable', 'away', { retriable: true })
    for await (const message of ledger.subscribeToStream(stream, options)) {
      yield message
      if (message.kind !== 'caught-up') continue
      if (!isLast) throw new RiskError('ledger-unavailable', 'away', { retriable: true })
      // Asked for more, so that it has heard of the end.
      told.push(loops[0].retrying?.reason)
      stopping.abort()
    }
  }
  await bench.run(() => false, { ledger: flaky, signal: stopping.signal, onStart: (_, loop) => void loops.push(loop) })
  expect(told).toEqual([undefined, 'away', 'away', 'away', undefined])
})

test('a broker that stays away ends it by name, and what comes back goes on', async () => {
  const made = await ledgerOf([payments(3)])
  const bench = new DispatcherBench(made)
  bench.broker.fault = () => 'unavailable'
  await expect(bench.runToEnd(3, { retry: { initialMs: 1, capMs: 1, maxAttempts: 3 } })).rejects.toMatchObject({ code: 'limit-reached' })
  bench.broker.fault = () => 'none'
  await bench.runToEnd(3)
  expect(sequences(bench.broker.messagesOf('risk.verdicts'))).toEqual([1, 2, 3])
})

test('an error that no trying again mends ends every partition with it', async () => {
  const made = new MadeLedger()
  for (const partition of [0, 1]) {
    await made.open(partition, 2)
    await made.screen(partition, payments(2))
  }
  const bench = new DispatcherBench(made, 2)
  bench.broker.gate = () => Promise.reject(new RiskError('configuration-invalid', 'no such topic', { retriable: false }))
  await expect(bench.runToEnd(4)).rejects.toMatchObject({ code: 'configuration-invalid' })
})

test('reads no further than a few batches ahead of a publisher that does not answer', async () => {
  const made = await ledgerOf(upTo(60).map((number) => payments(250, (number - 1) * 250 + 1)))
  const bench = new DispatcherBench(made)
  const { ledger } = made
  let read = 0
  const counting = Object.create(ledger) as typeof ledger
  counting.subscribeToStream = async function* (stream, options) {
    for await (const message of ledger.subscribeToStream(stream, options)) {
      if (message.kind === 'entry' && message.entry.type === 'InputsScreened') read++
      yield message
    }
  }
  let answer = (): void => undefined
  let asked = (): void => undefined
  const held = new Promise<void>((resolve) => (asked = resolve))
  bench.broker.gate = () => new Promise((resolve) => ((answer = resolve), asked()))
  const run = bench.runToEnd(15_000, { ledger: counting })
  await held
  // Everything that can run without an answer has run once the event loop has turned this often.
  for (let turn = 0; turn < 1_000; turn++) await new Promise(setImmediate)
  expect(read).toBeLessThan(30)
  bench.broker.gate = () => Promise.resolve()
  answer()
  await run
  expect(sequences(bench.broker.messagesOf('risk.verdicts'))).toEqual(upTo(15_000))
})

test('metrics tell what was published, the position, and the lag also while nothing gets out', async () => {
  const made = await ledgerOf([payments(3), payments(2, 4)])
  await made.beginTenure(0)
  const bench = new DispatcherBench(made)
  const metrics = createMetrics()
  let nowMs = 0
  const during: string[] = []
  bench.broker.gate = async () => void during.push(await metrics.exposition())
  await bench.runToEnd(5, { metrics, nowMs: () => (nowMs += 1_000) })
  expect(during[0]).toContain('riskledger_dispatcher_lag_entries{partition="0"} 7')
  const text = await metrics.exposition()
  expect(text).toContain('riskledger_dispatcher_published_total{topic="risk.verdicts"} 5')
  expect(text).toContain('riskledger_dispatcher_revision{partition="0"} 6')
  expect(text).toContain('riskledger_dispatcher_lag_entries{partition="0"} 0')
})

test('a journal that does not exist yet is waited for; a stop without anything to do is quiet', async () => {
  const made = new MadeLedger()
  const bench = new DispatcherBench(made)
  const stopping = new AbortController()
  const idle = bench.run(() => false, { signal: stopping.signal })
  await new Promise(setImmediate)
  stopping.abort()
  expect(await idle).toBe(false)
  const run = bench.runToEnd(2)
  await made.open(0)
  await made.screen(0, payments(2))
  await run
  expect(sequences(bench.broker.messagesOf('risk.verdicts'))).toEqual([1, 2])
})

describe('what does not hang together is not published', () => {
  test('a decision that is missing', async () => {
    const made = await ledgerOf([payments(3)])
    await made.screen(0, [payment('a-1', 4, 'block'), payment('a-1', 5, 'hold')], { skipDecisions: 1 })
    await made.beginTenure(0)
    const bench = new DispatcherBench(made)
    await expect(bench.run(() => false)).rejects.toMatchObject({
      code: 'ledger-corrupt',
      message: expect.stringContaining('@6: 1 decisions of the batch before it are missing') as string,
    })
    expect(sequences(bench.broker.messagesOf('risk.verdicts'))).toEqual([1, 2, 3])
  })

  test('an entry that was altered', async () => {
    const made = await ledgerOf([payments(3), payments(3, 4)])
    const at = made.ledger.all.findLast(({ type }) => type === 'InputsScreened')!
    ;(at as { metadata: Uint8Array }).metadata = Buffer.from(Buffer.from(at.metadata).toString('utf8').replace('9f9f', '9f9e'))
    const bench = new DispatcherBench(made)
    await expect(bench.run(() => false)).rejects.toMatchObject({
      code: 'ledger-corrupt',
      message: expect.stringMatching(/altered.*riskledger verify/) as string,
    })
    expect(sequences(bench.broker.messagesOf('risk.verdicts'))).toEqual([1, 2, 3])
  })
})
