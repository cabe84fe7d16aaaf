import { Random } from './random'

describe('Random', () => {
  test('the same keys give the same numbers, other keys others', () => {
    const draw = (...keys: number[]): number[] =>
      Array.from(
        { length: 5 },
        (
          (random) => () =>
            random.bits()
        )(new Random(...keys)),
      )
    expect(draw(1, 2)).toEqual(draw(1, 2))
    expect(draw(1, 2)).not.toEqual(draw(2, 1))
    expect(draw(7)).toEqual([2702357371, 3165464817, 4198430555, 2778096364, 3567941829])
  })

  test('numbers are spread evenly over their range', () => {
    const random = new Random(5)
    const counts = new Array<number>(10).fill(0)
    for (let i = 0; i < 100_000; i++) counts[random.below(10)]++
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500)
  })

  test('the spread has its median at 1,000 and its cut ends', () => {
    const random = new Random(6)
    const values = Array.from({ length: 20_001 }, () => random.spreadPermille()).sort((a, b) => a - b)
    expect(Math.abs(values[10_000] - 1000)).toBeLessThan(25)
    expect(values[0]).toBeGreaterThanOrEqual(455)
    expect(values[20_000]).toBeLessThanOrEqual(2200)
  })

  test('UUIDs are of version 4 and differ', () => {
    const random = new Random(8)
    const ids = Array.from({ length: 1000 }, () => random.uuid())
    expect(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(true)
    expect(new Set(ids).size).toBe(1000)
  })
})
