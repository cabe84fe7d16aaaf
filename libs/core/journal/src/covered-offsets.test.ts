import { CoveredOffsets } from './covered-offsets'

test('gives the offsets of each topic between its gaps, in order, up to its end', () => {
  const reason = 'aborted'
  const covered = new CoveredOffsets({
    positions: [
      { topic: 0, fromOffset: 4, toOffset: 12 },
      { topic: 3, fromOffset: 0, toOffset: 2 },
    ],
    gaps: [
      { topic: 0, fromOffset: 4, toOffset: 6, reason },
      { topic: 3, fromOffset: 1, toOffset: 2, reason },
      { topic: 0, fromOffset: 6, toOffset: 7, reason },
      { topic: 0, fromOffset: 8, toOffset: 11, reason },
    ],
  })
  expect([0, 0, 0, 3, 0, 3, 1].map((topic) => covered.take(topic))).toEqual([7, 11, null, 0, null, null, null])
})

describe('is complete', () => {
  const position = { topic: 0, fromOffset: 0, toOffset: 4 }
  const gap = (fromOffset: number, toOffset: number, topic = 0) => ({ topic, fromOffset, toOffset, reason: 'aborted' })

  test.each([
    ['where inputs and gaps meet the end', true, [position], [gap(1, 2), gap(2, 4)]],
    ['not where a gap lies elsewhere, though the counts agree', false, [position], [gap(100, 103)]],
    ['not where an offset stays between', false, [position], [gap(2, 4)]],
    ['not where a gap goes past the end', false, [position], [gap(1, 5)]],
    ['not where a gap is told twice', false, [position], [gap(1, 4), gap(1, 4)]],
    ['not with a gap of a topic without a position', false, [{ ...position, toOffset: 1 }], [gap(0, 3, 1)]],
    ['not with a position that goes backwards', false, [position, { topic: 1, fromOffset: 9, toOffset: 6 }], [gap(1, 4)]],
    ['not with a gap that goes backwards', false, [position, { topic: 1, fromOffset: 9, toOffset: 6 }], [gap(1, 4), gap(9, 6, 1)]],
    ['not with two positions of a topic', false, [position, position], [gap(1, 4)]],
  ])('%s', (_, complete, positions, gaps) => {
    const covered = new CoveredOffsets({ positions, gaps })
    expect(covered.take(0)).toBe(0)
    expect(covered.complete()).toBe(complete)
  })
})
