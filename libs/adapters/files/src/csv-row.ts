const QUOTE = 34

/** What a line of CSV turned out to be. `open`: a quoted field goes on past its end. `malformed`: text follows a closing quote. */
export type CsvRowKind = 'whole' | 'open' | 'malformed'

/**
 * Splits a row into fields by RFC 4180: fields are parted by the delimiter; a field that begins with a quote ends at the next
 * single one, and two in a row stand for one. A quote elsewhere is an ordinary character. `fields` is cleared and filled.
 */
export function splitCsvRow(row: string, delimiter: string, fields: string[]): CsvRowKind {
  const end = row.length
  let at = 0
  let count = 0
  for (;;) {
    if (at < end && row.charCodeAt(at) === QUOTE) {
      const close = closingQuote(row, at + 1)
      if (close === -1) return 'open'
      fields[count++] = row.slice(at + 1, close).replaceAll('""', '"')
      at = close + 1
      if (at < end && row[at] !== delimiter) return 'malformed'
    } else {
      const next = row.indexOf(delimiter, at)
      fields[count++] = next === -1 ? row.slice(at) : row.slice(at, next)
      at = next === -1 ? end : next
    }
    if (at >= end) break
    at++
    if (at === end) {
      fields[count++] = ''
      break
    }
  }
  fields.length = count
  return 'whole'
}

function closingQuote(row: string, from: number): number {
  for (let at = from; ; at += 2) {
    at = row.indexOf('"', at)
    if (at === -1 || row.charCodeAt(at + 1) !== QUOTE) return at
  }
}
