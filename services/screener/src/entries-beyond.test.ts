import { isWorthAThread } from './entries-beyond'

test.each([
  [{ entries: 999, inputs: 49_999 }, false],
  [{ entries: 1_000, inputs: 0 }, true],
  [{ entries: 1, inputs: 50_000 }, true],
])('%j: %p', (beyond, expected) => {
  expect(isWorthAThread(beyond)).toBe(expected)
})
