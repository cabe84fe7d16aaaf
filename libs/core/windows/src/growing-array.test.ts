import { bytesOf, doublesOf, grown, growingArray } from './growing-array'

test.each([10, 1_000_000])('keeps what is in it as it grows from %d, with zeros behind', (length) => {
  const array = growingArray(Uint32Array, length)
  expect(array.every((word) => word === 0)).toBe(true)
  array[0] = 1
  array[length - 1] = 2
  const longer = grown(array, 3 * length)
  expect(longer).toBeInstanceOf(Uint32Array)
  expect(longer.length).toBe(3 * length)
  expect([longer[0], longer[length - 1]]).toEqual([1, 2])
  expect(longer.subarray(length).every((word) => word === 0)).toBe(true)
})

test('a large one stays where it lies', () => {
  const array = growingArray(Float64Array, 2 ** 18)
  const longer = grown(array, 2 ** 22)
  array[5] = 7
  expect(longer[5]).toBe(7)
  expect(longer.buffer).toBe(array.buffer)
})

test('one that was made otherwise becomes one that can stay', () => {
  const longer = grown(Uint16Array.of(1, 2, 3), 2 ** 20)
  expect([...longer.subarray(0, 4)]).toEqual([1, 2, 3, 0])
  expect(grown(longer, 2 ** 21).buffer).toBe(longer.buffer)
})

test('views of it are of its own length, also where its memory has grown', () => {
  const array = growingArray(Int32Array, 2 ** 18)
  grown(array, 2 ** 20)
  expect(doublesOf(array).length).toBe(2 ** 17)
  expect(bytesOf(array).length).toBe(2 ** 20)
})
