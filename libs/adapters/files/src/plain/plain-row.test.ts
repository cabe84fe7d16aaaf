import fc from 'fast-check'
import { splitCsvRow } from '../csv-row'
import { PlainRow } from './plain-row'

function scan(content: string, start: number, columns: number) {
  const row = new PlainRow(columns, ',')
  const plain = row.scan(Buffer.from(content), start)
  return { plain, blank: row.blank, next: row.next, fields: Array.from({ length: columns }, (_, column) => row.text(column)) }
}

describe('PlainRow', () => {
  test.each([
    ['a,bc,\nd', 0, { next: 6, fields: ['a', 'bc', ''] }],
    ['a,bc,\r\nd', 0, { next: 7, fields: ['a', 'bc', ''] }],
    ['x\na,b,c', 2, { next: 7, fields: ['a', 'b', 'c'] }],
    ['a,b,c\r', 0, { next: 6, fields: ['a', 'b', 'c'] }],
  ])('reads %j from %d', (content, start, expected) => {
    expect(scan(content, start, 3)).toEqual({ plain: true, blank: false, ...expected })
  })

  test.each(['\n', '\r\n', '', '\r'])('%j is blank', (content) => {
    expect(scan(content, 0, 3)).toMatchObject({ plain: true, blank: true, next: content.length })
  })

  test.each([
    'a,b\n',
    'a,b,c,d\n',
    'a,"b",c\n',
    'a,b",c\n',
    'a,é,c\n',
    'a,b\tb,c\n',
    'a\r,b,c\n',
    'a,b,c\r\r\n',
    'a,\u007f,c\n',
    'a,b,\0\n',
  ])('leaves %j to the general way', (content) => expect(scan(content, 0, 3).plain).toBe(false))

  test('leaves a line beyond 1 MiB to the general way', () => {
    expect(scan(`${'a'.repeat(1_048_576 - 4)},b,c\n`, 0, 3).plain).toBe(true)
    expect(scan(`${'a'.repeat(1_048_576 - 3)},b,c\n`, 0, 3).plain).toBe(false)
  })

  test('gives the fields that splitCsvRow gives', () => {
    const line = fc.string({ unit: fc.constantFrom('a', 'b', ' ', ',', '-', '"', 'é', '\t', '\r'), maxLength: 12 })
    fc.assert(
      fc.property(line, fc.constantFrom('\n', '\r\n', ''), fc.integer({ min: 1, max: 4 }), (text, end, columns) => {
        const fields: string[] = []
        const trimmed = (text + end).replace(/\n$/, '').replace(/\r$/, '')
        const kind = splitCsvRow(trimmed, ',', fields)
        const { plain, blank, next, fields: found } = scan(text + end, 0, columns)
        const usual = /^[ -~]*$/.test(trimmed) && !trimmed.includes('"') && (trimmed === '' || fields.length === columns)
        expect(plain).toBe(usual)
        if (!plain) return
        expect(next).toBe((text + end).length)
        expect(blank).toBe(trimmed === '')
        if (!blank) expect({ kind, fields: found }).toEqual({ kind: 'whole', fields })
      }),
      { numRuns: 1_000 },
    )
  })
})
