import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { CsvEmitter } from './csv-emitter'
import { parseMapping } from './mapping'
import { emissionsOf } from './testing/emissions-of'

const parsed = parseMapping(readFileSync(join(__dirname, '../../../../examples/mappings/card-payments.yaml'), 'utf8'))
if (parsed.kind === 'rejected') throw new Error(JSON.stringify(parsed.problems))
const { mapping } = parsed

function emit(lines: readonly string[]) {
  const emitter = new CsvEmitter('f', { ...mapping, header: false })
  const blocks = lines.map((line) => emissionsOf(emitter.add({ kind: 'lines', bytes: Buffer.from(line) })))
  return [...blocks.flat(), ...emissionsOf(emitter.end())].map(({ value, ...emission }) => ({
    ...emission,
    // What is rejected is kept as it was written, which is what the two ways differ in.
    value: emission.rejection === null ? Buffer.from(value).toString('hex') : '',
  }))
}

const row = fc
  .tuple(
    fc.oneof(fc.nat(99_999).map(String), fc.constantFrom('', 'é', 'x'.repeat(70))),
    fc.oneof(
      { weight: 9, arbitrary: fc.nat(30).map((day) => `2018-04-${String(day + 1).padStart(2, '0')} 10:00:00`) },
      { weight: 1, arbitrary: fc.constant('x') },
    ),
    fc.nat(9).map(String),
    fc.nat(9).map(String),
    fc.constantFrom('1', '2.50', '3.005', '-1'),
    fc.constantFrom('0', '1'),
  )
  .map((fields) => ({ plain: fields.join(','), quoted: fields.map((field) => `"${field}"`).join(',') }))

test('rows that go the fast way give what they give on the general one, in the same order, delayed ones among them', () => {
  const blocks = fc.array(fc.array(fc.oneof(row, fc.constant({ plain: '', quoted: '' })), { minLength: 1, maxLength: 12 }), {
    maxLength: 5,
  })
  fc.assert(
    fc.property(blocks, fc.constantFrom('\n', '\r\n'), (given, end) => {
      // A quote anywhere in a row sends it the general way.
      const written = (form: 'plain' | 'quoted'): string[] => given.map((rows) => rows.map((each) => each[form] + end).join(''))
      expect(emit(written('plain'))).toEqual(emit(written('quoted')))
    }),
    { numRuns: 300 },
  )
})

test('a label that is due goes before the payment at its time, and after those before it', () => {
  const line = (id: number, day: string, fraud: number): string => `${id},2018-04-${day} 10:00:00,1,2,3.00,${fraud}\n`
  const topics = emit([line(1, '01', 1) + line(2, '02', 1), line(3, '08', 0), line(4, '07', 0)]).map(({ topic }) => topic)
  expect(topics).toEqual(['payments', 'payments', 'outcomes', 'payments', 'payments', 'outcomes'])
})
