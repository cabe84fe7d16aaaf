import { EmissionBlock } from './emission-block'
import { mergeByTime } from './merge-by-time'
import { emissionsOf } from './testing/emissions-of'

const LATEST_MS = 1_000

/** A file whose emissions, a block for each list, have these event times; their values tell the file and the place in it. */
async function* file(name: string, blocks: readonly (readonly number[])[]): AsyncGenerator<EmissionBlock, void, void> {
  let at = 0
  const block = new EmissionBlock()
  for (const times of blocks) {
    block.clear()
    for (const eventTimeMs of times)
      block.push({ topic: 'payments', eventTimeMs, accountId: null, value: Buffer.from(`${name}${++at}`), rejection: null })
    yield await Promise.resolve(block)
  }
}

async function merged(...files: readonly (readonly (readonly number[])[])[]): Promise<string> {
  const order: string[] = []
  const sources = files.map((blocks, index) => file('abc'[index], blocks))
  for await (const emissions of mergeByTime(sources, { latestMs: LATEST_MS })) {
    for (const { value } of emissionsOf(emissions)) order.push(Buffer.from(value).toString())
  }
  return order.join(' ')
}

test('the earliest head goes first, of equal ones that of the file named first, over blocks', async () => {
  expect(await merged([[1, 4], [], [6]], [[2, 4, 5], [7]])).toBe('a1 b1 a2 b2 b3 a3 b4')
})

test('an emission without an event goes as soon as it is the head', async () => {
  expect(await merged([[1, NaN, 5]], [[2, 3, 6]])).toBe('a1 a2 b1 b2 a3 b3')
})

test('one from the far future goes as soon as it is the head: what follows it keeps its place', async () => {
  expect(await merged([[1, LATEST_MS + 1, 3, 5]], [[2, 4, 6]])).toBe('a1 a2 b1 a3 b2 a4 b3')
  expect(await merged([[LATEST_MS + 1], [3]], [[LATEST_MS + 2, 2, 4]])).toBe('a1 b1 b2 a2 b3')
})

test('one at the latest time that is believed waits for its turn', async () => {
  expect(await merged([[1, LATEST_MS]], [[2, 999]])).toBe('a1 b1 b2 a2')
})

test('one file passes through as it is', async () => {
  expect(
    await merged([
      [5, LATEST_MS + 1],
      [NaN, 2],
    ]),
  ).toBe('a1 a2 a3 a4')
})
