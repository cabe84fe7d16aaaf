import fc from 'fast-check'
import { BandTable, roundHalfEven } from './band-table'

describe('a table of points', () => {
  const table = new BandTable([
    [10, 20],
    [20, 41],
    [40, -59],
  ])

  test.each([
    [9, 0],
    [10, 20],
    [15, 30],
    [19, 39],
    [20, 41],
    [30, -9],
    [40, -59],
    [1e12, -59],
  ])('a value of %d earns %d', (value, points) => expect(table.pointsAt(value)).toBe(points))

  test('names the threshold that a value passed', () => {
    expect([10, 19, 20, 39, 40, 99].map((value) => table.passed(value))).toEqual([10, 10, 20, 20, 40, 40])
  })

  test('rises with the value where its points do, and gives whole points', () => {
    const rising = new BandTable([
      [0, 0],
      [700, 113],
      [1_000, 560],
    ])
    fc.assert(
      fc.property(fc.integer({ min: -10, max: 2_000 }), fc.integer({ min: 0, max: 500 }), (value, more) => {
        const points = rising.pointsAt(value)
        return Number.isInteger(points) && rising.pointsAt(value + more) >= points
      }),
    )
  })
})

test('halves go to the even neighbour, and there is no -0', () => {
  expect([0.5, 1.5, 2.5, -0.5, -1.5, 2.51].map(roundHalfEven)).toEqual([0, 2, 2, 0, -2, 3])
})
