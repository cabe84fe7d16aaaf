import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KeptLogger } from '@riskledger/testing'
import { openPositionFiles } from './dispatch-position'
import { DispatcherBench } from './testing/dispatcher-bench'
import { MadeLedger, payment, type MadeInput } from './testing/made-ledger'

const STREAM = 'screening-000.0000'
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'riskledger-dispatcher-'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

function payments(count: number, first = 1): MadeInput[] {
  return Array.from({ length: count }, (_, index) => payment(`a-${index % 3}`, first + index, index === 1 ? 'hold' : 'allow'))
}

async function benchOf(...batches: readonly MadeInput[][]): Promise<{ made: MadeLedger; bench: DispatcherBench }> {
  const made = new MadeLedger()
  await made.open(0)
  for (const batch of batches) await made.screen(0, batch)
  return { made, bench: new DispatcherBench(made) }
}

describe('positions in files', () => {
  test('are kept whole, and one that cannot be read counts as none and is told', async () => {
    const logger = new KeptLogger()
    const positions = openPositionFiles(join(folder, 'new'), { logger })
    expect(await positions.load(STREAM)).toBeNull()
    await positions.save(STREAM, { revision: 4, entryId: 'e', sequence: 9 })
    await positions.save(STREAM, { revision: 5, entryId: 'f', sequence: null })
    expect(await positions.load(STREAM)).toEqual({ revision: 5, entryId: 'f', sequence: null })
    expect(await readdir(join(folder, 'new'))).toEqual([`${STREAM}.json`])
    expect(logger.lines).toEqual([])
    for (const text of [
      '',
      '{"format":1,"rev',
      'null',
      '{"format":2,"revision":1,"entryId":"e","sequence":1}',
      '{"format":1,"entryId":"e"}',
    ]) {
      await writeFile(positions.placeOf(STREAM), text)
      expect(await positions.load(STREAM)).toBeNull()
    }
    expect(logger.lines.length).toBe(5)
  })

  test('are refused as a full disk where there is no room, and kept once there is', async () => {
    if (process.platform !== 'linux') return console.log('skipped: only Linux has a device that is always full')
    const positions = openPositionFiles(folder, { logger: new KeptLogger() })
    const file = positions.placeOf(STREAM)
    const temporary = `${file}.${process.pid}.tmp`
    await symlink('/dev/full', temporary)
    const position = { revision: 4, entryId: 'e', sequence: 9 }
    await expect(positions.save(STREAM, position)).rejects.toMatchObject({ code: 'disk-full', retriable: true, context: { file } })
    await rm(temporary)
    await positions.save(STREAM, position)
    expect(await positions.load(STREAM)).toEqual(position)
  })

  test('a dispatcher goes on from them, in the middle of a batch too', async () => {
    const { made, bench } = await benchOf(payments(9), payments(3, 10))
    const positions = openPositionFiles(folder, { logger: bench.logger })
    await bench.run(() => bench.published() >= 4, { positions, callMessages: 4 })
    const before = bench.published()
    await bench.run(() => bench.published() >= 12, { positions: openPositionFiles(folder, { logger: bench.logger }) })
    expect(bench.broker.messagesOf('risk.verdicts')).toHaveLength(12)
    expect(before).toBeLessThanOrEqual(12)
    await made.screen(0, payments(2, 13))
    await bench.run(() => bench.published() >= 14, { positions })
    expect(bench.broker.messagesOf('risk.verdicts')).toHaveLength(14)
  })
})

describe('without a position of its own', () => {
  test('it goes on from the last call that stands on the topics', async () => {
    const { made, bench } = await benchOf(payments(9))
    await bench.runToEnd(9, { callMessages: 3, topicPartitions: 1 })
    bench.positions.kept.clear()
    await made.screen(0, payments(2, 10))
    await bench.runToEnd(11, { tail: bench.broker })
    // The last call of three is made again, and nothing before it.
    expect(bench.broker.messagesOf('risk.verdicts')).toHaveLength(9 + 3 + 2)
    expect(bench.logger.lines.some(({ level, message }) => level === 'warn' && message.includes('going on from what is published'))).toBe(
      true,
    )
  })

  test('a call of which only one partition got its messages is made again whole', async () => {
    const { bench } = await benchOf(payments(12))
    let calls = 0
    bench.broker.fault = () => (++calls === 2 ? 'half' : 'none')
    const once = { retry: { initialMs: 1, capMs: 1, maxAttempts: 1 }, callMessages: 6, topicPartitions: 2 }
    await expect(bench.run(() => false, once)).rejects.toMatchObject({ code: 'limit-reached' })
    bench.positions.kept.clear()
    const told = (): number => bench.broker.firstIds('risk.verdicts', 0).length + bench.broker.firstIds('risk.verdicts', 1).length
    expect(told()).toBeLessThan(12)
    await bench.run(() => told() >= 12, { tail: bench.broker, callMessages: 6, topicPartitions: 2 })
    expect(told()).toBe(12)
    expect(bench.broker.calls.flat().length).toBeLessThanOrEqual(6 + 6 + 6)
  })

  test('strangers on the topic do not count, and from nothing it begins at the beginning', async () => {
    const { bench } = await benchOf(payments(3))
    const tail = {
      newest: () => Promise.resolve([{}, { 'riskledger-stream': 'other', 'riskledger-batch': '9/9' }, { 'riskledger-batch': 'x' }]),
    }
    await bench.runToEnd(3, { tail })
    expect(bench.broker.messagesOf('risk.verdicts')).toHaveLength(3)
  })

  test('told to begin at the end it passes over what is there, and keeps that at once', async () => {
    const { made, bench } = await benchOf(payments(3))
    const stopping = new AbortController()
    const positions = bench.positions
    const save = positions.save.bind(positions)
    positions.save = async (stream, position) => (await save(stream, position), stopping.abort())
    await bench.run(() => false, { startFrom: 'end', signal: stopping.signal })
    positions.save = save
    await made.screen(0, payments(2, 4))
    await bench.runToEnd(2, { startFrom: 'end' })
    expect(bench.broker.messagesOf('risk.verdicts').map(({ headers }) => headers['riskledger-batch'])).toEqual(['4/4', '4/4'])
  })
})

test.each([
  ['holds another entry there', 0],
  ['ends before', 1],
])('a ledger that %s than the one that was published is refused by name', async (_name, shorter) => {
  const { bench } = await benchOf(payments(4), payments(3, 5))
  await bench.runToEnd(7)
  const { made: other } = await benchOf(...(shorter === 1 ? [payments(2)] : [payments(3), payments(3, 4)]))
  await expect(bench.run(() => false, { ledger: other.ledger })).rejects.toMatchObject({
    code: 'journal-mismatch',
    retriable: false,
    message: expect.stringContaining(`remove memory of ${STREAM}`) as string,
  })
})

test('an entry that was published and comes back late is waited for', async () => {
  const { made, bench } = await benchOf(payments(4))
  await bench.runToEnd(4)
  await made.screen(0, payments(1, 5))
  const { ledger } = made
  const readStream = ledger.readStream.bind(ledger)
  let looks = 0
  async function* nothing(): AsyncGenerator<never> {}
  ledger.readStream = (stream, options) => (looks++ === 0 ? nothing() : readStream(stream, options))
  await bench.run(() => bench.published() >= 5, { ledger })
  expect(looks).toBeGreaterThan(1)
  expect(bench.broker.messagesOf('risk.verdicts')).toHaveLength(5)
})
