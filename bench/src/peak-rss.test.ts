import { peakRssMiBIn } from './peak-rss'

test('the peak is read from its line', () => {
  expect(peakRssMiBIn('some warning\n\nPEAK 204800\n')).toBe(200)
})

test('a process that does not tell its peak has no figure', () => {
  expect(() => peakRssMiBIn('some warning\n')).toThrow('did not tell its peak memory')
})
