import { artifactStream, parseScreeningStream, partitionsStream, relationsStream, screeningStream } from './streams'

test('names are one-way doors', () => {
  expect(screeningStream(3, 12)).toBe('screening-003.0012')
  expect(relationsStream(3)).toBe('relations-003')
  expect(artifactStream('ab')).toBe('artifact-ab')
  expect(partitionsStream()).toBe('partitions')
  expect(screeningStream(0, 0, 'test-')).toBe('test-screening-000.0000')
})

test('a screening stream tells its partition and segment, another stream none', () => {
  expect(parseScreeningStream('test-screening-007.0002')).toEqual({ partition: 7, segment: 2 })
  for (const other of ['relations-003', 'screening-7.0002', 'screening-007.0002x', '']) expect(parseScreeningStream(other)).toBeNull()
})
