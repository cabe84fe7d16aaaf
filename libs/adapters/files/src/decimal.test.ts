import fc from 'fast-check'
import { decimalToUnits } from './decimal'

describe('decimalToUnits', () => {
  test.each([
    ['57.16', 2, 5716],
    ['0.1', 2, 10],
    ['8', 2, 800],
    ['-3.50', 2, -350],
    ['1.230', 2, 123],
    ['-0', 2, 0],
    ['007', 0, 7],
    ['90071992547409.91', 2, Number.MAX_SAFE_INTEGER],
  ])('%s at scale %d is %d', (text, scale, units) => expect(decimalToUnits(text, scale)).toBe(units))

  test.each([
    ['', 2],
    ['.5', 2],
    ['5.', 2],
    ['1.234', 2],
    ['1,5', 2],
    ['1e3', 2],
    ['--1', 2],
    ['1 ', 2],
    ['NaN', 2],
    ['1.5', 0],
    ['90071992547409.92', 2],
  ])('refuses %j at scale %d', (text, scale) => expect(decimalToUnits(text, scale)).toBeNaN())

  test('is exact for every amount', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e15 }), (units) => {
        const text = `${Math.floor(units / 100)}.${String(units % 100).padStart(2, '0')}`
        expect(decimalToUnits(text, 2)).toBe(units)
      }),
    )
  })
})
