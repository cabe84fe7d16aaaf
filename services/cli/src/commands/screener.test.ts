import { parsePartitions } from './screener'

test.each([
  ['0', [0]],
  ['0-3', [0, 1, 2, 3]],
  ['3, 0,2-3', [0, 2, 3]],
])('%s names partitions', (list, expected) => {
  expect(parsePartitions(list, 4)).toEqual(expected)
})

test.each(['', 'a', '3-1', '0-', '-1', '1,,2', '0.5'])('%j is refused as a list', (list) => {
  expect(() => parsePartitions(list, 4)).toThrow(
    expect.objectContaining({ code: 'configuration-invalid', message: expect.stringContaining('0-3 or 0,2,5') }),
  )
})

test('a partition that there is not is refused', () => {
  expect(() => parsePartitions('2-4', 4)).toThrow(expect.objectContaining({ message: expect.stringContaining('0 to 3') }))
})
