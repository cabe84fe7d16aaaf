import fc from 'fast-check'
import { LEDGER_PRINTERS, LEDGER_VALIDATORS } from '../generated/ledger-registry'
import { encodeLedgerJson } from '../ledger-events'
import { schemaOrderedJson } from './canonical-json'
import { jsonNames, JsonWriter } from './json-writer'

const ODD: readonly unknown[] = [
  ...[undefined, null, true, 0, -0, 1, -1, 1.5, Number.NaN, Infinity, 1001, -1001, 2 ** 31, 2 ** 53, -(2 ** 53), 253402300800000, 5n],
  ...['', 'é', 'a"b', 'a\\b', 'a\nb', '\u007f', '\u202e', '😀', '\ud800', 'x'.repeat(128), 'x'.repeat(129), 'é'.repeat(65), 'none', 'HOLD'],
  ...['00000000-0000-0000-0000-000000000000', '0192F3C4-5b6a-7c8d-9e0f-a1b2c3d4e5f6', [], {}, [null], [''], Uint8Array.of(1), Symbol('s')],
  ...[Array.from({ length: 65 }, () => 'x'), new Array<string>(2)],
]

/** Values of a schema; `oddWeight` in 60 of all parts are something that it may or may not allow. */
function decisions(oddWeight: number): fc.Arbitrary<unknown> {
  const or = (usual: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
    fc.oneof({ weight: 60 - oddWeight, arbitrary: usual }, { weight: oddWeight, arbitrary: fc.constantFrom(...ODD) })
  const record = (fields: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<unknown> =>
    fc
      .tuple(fc.record(fields), fc.nat(59), fc.constantFrom(...Object.keys(fields)))
      .map(([usual, dice, name]) => (dice >= oddWeight ? usual : disturb(usual, dice, name)))
  const token = or(fc.string({ unit: fc.constantFrom(...'abcxyz019-_/ '), minLength: 1, maxLength: 24 }))
  const optional = (usual: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> => fc.oneof(usual, fc.constantFrom(undefined, null))
  const list = (item: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> => or(fc.array(item, { maxLength: 3 }))
  const integer = (min: number, max: number): fc.Arbitrary<unknown> =>
    or(fc.maxSafeInteger().map((n) => (n < min || n > max ? min + (Math.abs(n) % (max - min + 1)) : n)))
  const count = integer(0, Number.MAX_SAFE_INTEGER)
  const timeMs = integer(0, 253402300799999)
  const points = integer(-1000, 1000)
  const long = or(fc.maxSafeInteger())
  const uuid = or(fc.uuid())
  const step = or(fc.constantFrom('none'))
  return record({
    decisionId: uuid,
    sequence: integer(1, Number.MAX_SAFE_INTEGER - 1),
    eventId: uuid,
    accountId: token,
    eventTimeMs: timeMs,
    subject: or(record({ topic: token, businessId: token })),
    verdict: or(fc.constantFrom('allow', 'challenge', 'hold', 'block')),
    scorePoints: integer(0, 1000),
    signals: list(
      record({
        detector: token,
        code: token,
        points,
        features: list(
          record({
            name: token,
            value: long,
            unit: token,
            text: optional(token),
            fromMs: optional(timeMs),
            toMs: optional(timeMs),
            exact: or(fc.boolean()),
          }),
        ),
        threshold: optional(record({ value: long, unit: token })),
        historyCount: count,
      }),
    ),
    combinations: list(record({ code: token, points, of: list(token) })),
    reasonCodes: list(token),
    facts: list(
      record({
        kind: or(fc.constantFrom('counterparty', 'device', 'random-challenge')),
        keyToken: token,
        sourceStream: token,
        sourceRevision: integer(-1, 9000),
      }),
    ),
    ladderBefore: step,
    ladderAfter: step,
  })
}

/** The members in another order, one too many, or one too few. */
function disturb(members: Readonly<Record<string, unknown>>, dice: number, name: string): unknown {
  const entries = Object.entries(members)
  if (dice % 3 === 0) return Object.fromEntries(entries.reverse())
  if (dice % 3 === 1) return { ...members, [`${name}2`]: 1 }
  return Object.fromEntries(entries.filter(([other]) => other !== name))
}

/** What the validator and the plain printer make of an event: its text, or null where it is refused. */
function simply(event: unknown): string | null {
  const checked = LEDGER_VALIDATORS.DecisionMade(event)
  return checked.kind === 'rejected' ? null : Buffer.from(schemaOrderedJson(checked.event)).toString()
}

function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString()
}

const writer = new JsonWriter()

function plainly(event: unknown): string | null {
  writer.begin()
  LEDGER_PRINTERS.DecisionMade(writer, event)
  return textOf(writer.end())
}

function encoded(event: unknown): string | null {
  try {
    return textOf(encodeLedgerJson('DecisionMade', event as Parameters<typeof encodeLedgerJson<'DecisionMade'>>[1]))
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError)
    return null
  }
}

it('writes what validator and printer write, and leaves to them nothing that is plain', () => {
  fc.assert(
    fc.property(decisions(0), (event) => {
      expect(plainly(event)).not.toBeNull()
      expect(plainly(event)).toBe(simply(event))
    }),
  )
})

it('never writes what they refuse, nor otherwise than they do', () => {
  const seen = { refused: 0, plain: 0, unusual: 0 }
  fc.assert(
    fc.property(decisions(1), (event) => {
      const [simple, plain] = [simply(event), plainly(event)]
      seen[simple === null ? 'refused' : plain === null ? 'unusual' : 'plain']++
      if (plain !== null) expect(plain).toBe(simple)
      expect(encoded(event)).toBe(simple)
    }),
    { numRuns: 1_000 },
  )
  // The rarest are 17 of 1,000 on average: none at all would be met once in ten million runs.
  expect(Math.min(seen.refused, seen.plain, seen.unusual)).toBeGreaterThan(0)
})

it('is refused as a whole where it is no object', () => {
  for (const event of ODD) expect(plainly(event)).toBeNull()
})

it('takes on events larger than its first buffer, piece by piece and at once', () => {
  const names = jsonNames(new Set(['a']))
  for (const text of ['x'.repeat(16_380), 'x'.repeat(100_000)]) {
    writer.begin()
    const record = writer.open({ a: text }, new Set(['a']))
    writer.name(names[0])
    writer.text(record.a, Infinity)
    writer.close()
    expect(textOf(writer.end())).toBe(JSON.stringify({ a: text }))
  }
})

it('gives bytes that the next event leaves alone', () => {
  writer.begin()
  writer.integer(-120, -1000, 1000)
  const first = writer.end()
  writer.begin()
  writer.boolean(true)
  writer.end()
  expect(textOf(first)).toBe('-120')
})
