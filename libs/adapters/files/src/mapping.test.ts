import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { durationMs, parseMapping } from './mapping'

const EXAMPLES = join(__dirname, '../../../../examples/mappings')
const good = readFileSync(join(EXAMPLES, 'card-payments.yaml'), 'utf8')

function problemOf(text: string): string {
  const parsed = parseMapping(text)
  if (parsed.kind === 'accepted') throw new Error('accepted')
  const [{ line, path, message }] = parsed.problems
  return `${line} ${path}: ${message}`
}

describe('parseMapping', () => {
  test.each(['card-payments', 'retail-invoices'])('accepts the example %s', (name) => {
    expect(parseMapping(readFileSync(join(EXAMPLES, `${name}.yaml`), 'utf8'))).toMatchObject({ kind: 'accepted', mapping: { name } })
  })

  test('the canonical content does not depend on comments and layout', () => {
    const one = parseMapping(good)
    const other = parseMapping(`# more\n${good.replaceAll('{ constant: card }', '\n        constant: card')}`)
    if (one.kind === 'rejected' || other.kind === 'rejected') throw new Error('rejected')
    expect(other.mapping.canonical).toBe(one.mapping.canonical)
  })

  test.each([
    ['an unknown key', good.replace('timezone:', 'timezon:'), /timezon is not known here/],
    ['an unknown zone', good.replace('timezone: UTC', 'timezone: Mars/Base'), /^5 timezone: is the IANA name/],
    ['an unknown topic', good.replace('topic: payments', 'topic: payment'), /^8 events\.0\.topic: /],
    [
      'an unknown column',
      good.replace("'t-{terminal_id}'", "'t-{terminal}'"),
      /^21 events\.0\.fields\.counterpartyId: there is no column "terminal"/,
    ],
    ['a column of a condition', good.replace('column: fraud', 'column: fruad'), /events\.1\.when\.0: there is no column "fruad"/],
    ['a field that the topic lacks', good.replace('method:', 'methode:'), /events\.0\.fields\.methode: .*methode/],
    ['a field that is missing', good.replace(/ +paymentId: .*\n/, ''), /^10 events\.0\.fields: paymentId is missing/],
    ['a constant of no symbol', good.replace('constant: purchase', 'constant: buy'), /^15 events\.0\.fields\.kind: kind is "buy"/],
    ['a form that is none', good.replace('{ constant: card }', '{ value: card }'), /method: needs one of constant, column/],
    ['a scale that is none', good.replace('scale: 2', 'scale: 2.5'), /amountMinor\.scale: /],
    ['a duration that is none', good.replace('delay: 7d', 'delay: a week'), /events\.1\.delay: is a whole number with/],
    ['a condition without a test', good.replace('equals: 1', ''), /events\.1\.when: /],
    ['a key twice', `${good}\nname: again\n`, /Map keys must be unique/],
    ['no YAML', 'a: [', /^1/],
    ['nothing', '', /^1 : /],
  ])('names line and field of %s', (_name, text, expected) => expect(problemOf(text)).toMatch(expected))

  test('durations', () => {
    expect([durationMs('7d'), durationMs('36h'), durationMs('90m'), durationMs('10s'), durationMs('5ms'), durationMs('1w')]).toEqual([
      604_800_000,
      129_600_000,
      5_400_000,
      10_000,
      5,
      NaN,
    ])
  })
})
