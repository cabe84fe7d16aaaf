import { csvLine } from './csv'

test('quotes what would break a line, doubles quotes, leaves null empty', () => {
  expect(csvLine([1, 'plain', null, 'a,b', 'say "no"', 'two\nlines'])).toBe('1,plain,,"a,b","say ""no""","two\nlines"')
})

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '\rx'])('%j is no formula any more', (cell) => {
  expect(csvLine([cell]).replace(/^"/, '').startsWith("'")).toBe(true)
})

test('negative numbers stay numbers', () => {
  expect(csvLine([-5])).toBe('-5')
})
