import type { Condition } from '../mapping'
import type { PlainRow } from './plain-row'

/** Whether a plain row meets the condition: what the condition says of the field's text, said of its bytes. */
export function compileByteCondition(condition: Condition, indexOf: (column: string) => number): (row: PlainRow) => boolean {
  const column = indexOf(condition.column)
  const { equals, notEquals, startsWith, notStartsWith, greaterThan, atLeast, lessThan, atMost } = condition
  const tests: ((row: PlainRow) => boolean)[] = []
  if (equals !== undefined) tests.push(isText(column, String(equals)))
  if (notEquals !== undefined) tests.push(not(isText(column, String(notEquals))))
  if (startsWith !== undefined) tests.push(hasPrefix(column, startsWith))
  if (notStartsWith !== undefined) tests.push(not(hasPrefix(column, notStartsWith)))
  if (greaterThan !== undefined) tests.push(isNumber(column, (value) => value > greaterThan))
  if (atLeast !== undefined) tests.push(isNumber(column, (value) => value >= atLeast))
  if (lessThan !== undefined) tests.push(isNumber(column, (value) => value < lessThan))
  if (atMost !== undefined) tests.push(isNumber(column, (value) => value <= atMost))
  return tests.length === 1 ? tests[0] : (row) => tests.every((test) => test(row))
}

function isText(column: number, text: string): (row: PlainRow) => boolean {
  const begins = hasPrefix(column, text)
  const bytes = Buffer.byteLength(text)
  return (row) => row.ends[column] - row.starts[column] === bytes && begins(row)
}

function hasPrefix(column: number, text: string): (row: PlainRow) => boolean {
  const prefix = Buffer.from(text)
  return ({ bytes, starts, ends }) => {
    const start = starts[column]
    if (ends[column] - start < prefix.length) return false
    for (let i = 0; i < prefix.length; i++) if (bytes[start + i] !== prefix[i]) return false
    return true
  }
}

function isNumber(column: number, test: (value: number) => boolean): (row: PlainRow) => boolean {
  return (row) => row.starts[column] !== row.ends[column] && test(Number(row.text(column)))
}

function not(test: (row: PlainRow) => boolean): (row: PlainRow) => boolean {
  return (row) => !test(row)
}
