import { balanceOf, OffsetBalance, type BatchOffsets } from './kafka-offset-balance'

/** A batch of topic 0 that holds every record of its range. */
function batch(fromOffset: number, toOffset: number): BatchOffsets {
  return { positions: [{ topic: 0, fromOffset, toOffset }], gaps: [], inputCount: toOffset - fromOffset }
}

function balanced(batches: readonly BatchOffsets[], { ends = [10], published = 10 } = {}) {
  const balance = new OffsetBalance()
  for (const each of batches) balance.take(each)
  return { inputs: balance.inputs, ...balanceOf([balance], { ends: [ends], published }) }
}

test('batches that follow one another to the end lose and repeat nothing', () => {
  expect(balanced([batch(0, 4), batch(4, 10)])).toEqual({ inputs: 10, lost: 0, duplicated: 0 })
})

test('each topic has offsets of its own', () => {
  const both = {
    positions: [
      { topic: 0, fromOffset: 0, toOffset: 6 },
      { topic: 3, fromOffset: 0, toOffset: 4 },
    ],
    gaps: [],
    inputCount: 10,
  }
  expect(balanced([both], { ends: [6, 0, 0, 4] })).toEqual({ inputs: 10, lost: 0, duplicated: 0 })
})

test('a hole and a repeat of the same size do not make up for one another', () => {
  expect(balanced([batch(0, 4), batch(6, 10), batch(8, 10)])).toEqual({ inputs: 8, lost: 2, duplicated: 2 })
})

test('a journal that does not begin with the first offset lost what came before', () => {
  expect(balanced([batch(3, 10)])).toMatchObject({ lost: 3, duplicated: 0 })
})

test('what is behind the last batch is lost', () => {
  expect(balanced([batch(0, 7)])).toMatchObject({ lost: 3, duplicated: 0 })
  expect(balanced([])).toEqual({ inputs: 0, lost: 10, duplicated: 0 })
})

test('offsets in gaps hold no record', () => {
  const withGap = { ...batch(0, 10), gaps: [{ topic: 0, fromOffset: 4, toOffset: 6, reason: 'transaction-marker' }], inputCount: 8 }
  expect(balanced([withGap], { published: 8 })).toEqual({ inputs: 8, lost: 0, duplicated: 0 })
})

test('a batch holds as many inputs as its range has records', () => {
  expect(balanced([{ ...batch(0, 10), inputCount: 9 }])).toMatchObject({ inputs: 9, lost: 1, duplicated: 0 })
  expect(balanced([{ ...batch(0, 10), inputCount: 11 }])).toMatchObject({ inputs: 10, lost: 0, duplicated: 1 })
})

test('the topics hold as many records as were published', () => {
  expect(balanced([batch(0, 10)], { published: 12 })).toMatchObject({ lost: 2, duplicated: 0 })
  expect(balanced([batch(0, 10)], { published: 9 })).toMatchObject({ lost: 0, duplicated: 1 })
})
