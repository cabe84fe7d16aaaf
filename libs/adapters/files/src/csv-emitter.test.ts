import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { CsvEmitter } from './csv-emitter'
import { type CsvRowKind, splitCsvRow } from './csv-row'
import { parseMapping } from './mapping'
import type { Block } from './read-blocks'
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

/** How each row is taken, by trying every line on which one may begin anew: the line numbers of what is rejected, in order. */
function rejectedSimply(lines: readonly string[]): string[] {
  const rejected: string[] = []
  for (let at = 0; at < lines.length;) {
    let text = lines[at]
    let end = at + 1
    let kind: CsvRowKind = splitCsvRow(text, ',', [])
    while (kind === 'open' && end < lines.length && end - at < 1_000) {
      text += `\n${lines[end++]}`
      kind = splitCsvRow(text, ',', [])
    }
    const whole = kind === 'whole'
    if (lines[at] !== '') rejected.push(`${at + 1} ${whole ? text : lines[at]}`)
    at = whole ? end : at + 1
  }
  return rejected
}

/** What the emitter rejects; none of the lines may be a row that the mapping takes. */
function rejectedOf(blocks: readonly Block[]): string[] {
  const emitter = new CsvEmitter('f', { ...mapping, header: false })
  const emissions = [...blocks.flatMap((block) => emissionsOf(emitter.add(block))), ...emissionsOf(emitter.end())]
  return emissions.map(({ value, rejection }) => `${rejection?.line} ${Buffer.from(value).toString()}`)
}

function linesOf(lines: readonly string[]): Block {
  return { kind: 'lines', bytes: Buffer.from(lines.map((line) => `${line}\n`).join('')) }
}

const rejected = (lines: readonly string[]): string[] => rejectedOf([linesOf(lines)])

describe('rows over several lines', () => {
  test('begin and end where they do by trying every line anew', () => {
    const line = fc.constantFrom('', 'a', 'b,c', '"', '""', '"""', ',"', '",', '",a,"', '"a"b', 'a"', '"a","b"', 'é,"')
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), (lines) => expect(rejected(lines)).toEqual(rejectedSimply(lines))),
      { numRuns: 1_000 },
    )
  })

  test('end within a thousand lines', () => {
    const lines = (count: number): string[] => ['"a', ...Array.from({ length: count - 2 }, () => 'b'), 'c"']
    expect(rejected(lines(1_000))).toEqual([`1 ${lines(1_000).join('\n')}`])
    expect(rejected(lines(1_001))).toEqual(lines(1_001).map((line, index) => `${index + 1} ${line}`))
  })

  test('a file in which every line opens a quote and goes on in one is read in linear time', () => {
    const lines = Array.from({ length: 25_000 }, () => '",aaa","')
    expect(rejected(lines)).toEqual(lines.map((line, index) => `${index + 1} ${line}`))
  })

  test('do not go on past a line that is too long, however it comes', () => {
    const open = '",aaa","'
    const expected = [`1 ${open}`, `2 ${open}`, '3 xxxxxxxx', '4 c"']
    const long = 'x'.repeat(1_048_577)
    expect(rejected([open, open, long, 'c"']).map((text) => text.slice(0, 10))).toEqual(expected)
    const kept = { kind: 'long-line', kept: Buffer.from('xxxxxxxx') } as const
    expect(rejectedOf([linesOf([open, open]), kept, linesOf(['c"'])])).toEqual(expected)
  })
})

test("the reference page's example gives what it says", () => {
  const page = readFileSync(join(__dirname, '../../../../docs/reference/mappings.md'), 'utf8')
  const blockOf = (language: string): string => new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'm').exec(page)?.[1] ?? ''
  const example = parseMapping(blockOf('yaml'))
  if (example.kind === 'rejected') throw new Error(JSON.stringify(example.problems))
  const emitter = new CsvEmitter('transfers.csv', example.mapping)
  const rows = emissionsOf(emitter.add({ kind: 'lines', bytes: Buffer.from(blockOf('csv')) }))
  const told = [...rows, ...emissionsOf(emitter.end())].map(({ topic, accountId, eventTimeMs, rejection }) =>
    rejection === null
      ? `${topic} ${accountId} ${new Date(eventTimeMs).toISOString()}`
      : `${rejection.file}:${rejection.line}: ${rejection.message}`,
  )
  expect(told).toEqual(blockOf('text').trimEnd().split('\n'))
})
