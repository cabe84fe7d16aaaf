import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { splitCsvRow } from './csv-row'

function split(row: string): { kind: string; fields: string[] } {
  const fields = ['left', 'over', 'from', 'the', 'row', 'before']
  return { kind: splitCsvRow(row, ',', fields), fields }
}

describe('splitCsvRow', () => {
  test.each([
    ['a,b,c', ['a', 'b', 'c']],
    ['a,,', ['a', '', '']],
    ['"a,b","say ""no""",', ['a,b', 'say "no"', '']],
    ['5" pipe,x', ['5" pipe', 'x']],
    ['""', ['']],
  ])('splits %s', (row, fields) => expect(split(row)).toEqual({ kind: 'whole', fields }))

  test('tells a quote that does not close from text after one that did', () => {
    expect(split('a,"b').kind).toBe('open')
    expect(split('a,"b""').kind).toBe('open')
    expect(split('a,"b"c,d').kind).toBe('malformed')
  })

  test('agrees with csv-parse on whatever is written by the rules', () => {
    const field = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', ' ', 'é', ''), maxLength: 8 })
    fc.assert(
      fc.property(fc.array(field, { minLength: 2, maxLength: 6 }), (fields) => {
        const row = fields.map((text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(',')
        expect(split(row)).toEqual({ kind: 'whole', fields })
        expect(parse(row, { relax_column_count: true })).toEqual([fields])
      }),
    )
  })
})
