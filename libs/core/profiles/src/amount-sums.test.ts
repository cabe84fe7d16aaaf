import fc from 'fast-check'
import { COUNT, MAX_SUMMED_MINOR, SUM, SUMS, shiftSums, squaresOf } from './amount-sums'

const amounts = fc.array(
  fc.oneof(fc.nat(1_000_000), fc.maxSafeNat(), fc.constantFrom(0, 0x10_0000, MAX_SUMMED_MINOR - 1, MAX_SUMMED_MINOR)),
  {
    maxLength: 50,
  },
)

test('sums are those of whole numbers of any length, amounts beyond the cap counted as the cap', () => {
  fc.assert(
    fc.property(amounts, (list) => {
      const sums = new Float64Array(SUMS)
      for (const amount of list) shiftSums(sums, 0, 1, amount)
      const capped = list.map((amount) => BigInt(Math.min(amount, MAX_SUMMED_MINOR)))
      expect(sums[COUNT]).toBe(list.length)
      expect(sums[SUM]).toBe(Number(capped.reduce((total, amount) => total + amount, 0n)))
      expect(squaresOf(sums, 0)).toBe(Number(capped.reduce((total, amount) => total + amount * amount, 0n)))
    }),
  )
})

test('what is taken out leaves what was there before, whatever came between', () => {
  fc.assert(
    fc.property(amounts, amounts, (staying, leaving) => {
      const expected = new Float64Array(SUMS)
      const sums = new Float64Array(SUMS)
      for (const amount of staying) shiftSums(expected, 0, 1, amount)
      for (const amount of leaving) shiftSums(sums, 0, 1, amount)
      for (const amount of staying) shiftSums(sums, 0, 1, amount)
      for (const amount of leaving) shiftSums(sums, 0, -1, amount)
      expect(sums).toEqual(expected)
    }),
  )
})
