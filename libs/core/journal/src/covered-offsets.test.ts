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
