import { failAfterPrinting } from './fail-after-printing'

const written: string[] = []
beforeEach(() => {
  written.length = 0
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0)
})
afterEach(() => {
  jest.restoreAllMocks()
  process.exitCode = undefined
})

test('a fault is said and ends the process with 1', () => {
  failAfterPrinting('windows', { 'the checksums differ': true, 'rows are missing': false })
  expect(written).toEqual(['windows: the checksums differ\n'])
  expect(process.exitCode).toBe(1)
})

test('without a fault nothing is said', () => {
  failAfterPrinting('windows', { 'the checksums differ': false })
  expect(written).toEqual([])
  expect(process.exitCode).toBeUndefined()
})
