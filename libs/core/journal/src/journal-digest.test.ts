import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { combineDigests, JournalDigest } from './journal-digest'
import { AvroWriter } from './avro-bytes'
import { FACT_KINDS, type JournaledFact } from './inputs-screened'
import { emptyInput, STATUSES, VERDICTS, type JournaledInput } from './journaled-input'
import { journaledFact, journaledInput } from './testing/journal-arbitraries'

function input(part: Partial<JournaledInput>): JournaledInput {
  return { ...emptyInput(), body: Buffer.from('body'), bodyLengthBytes: 4, ...part }
}

const FACT: JournaledFact = {
  sequence: 2,
  kind: 'counterparty',
  keyToken: 'm-1',
  value: Buffer.of(1, 2),
  sourceStream: 'relations-000',
  sourceRevision: 4,
}

function digestOf(inputs: readonly JournaledInput[], facts: readonly JournaledFact[] = []): string {
  const digest = new JournalDigest()
  inputs.forEach((one, index) =>
    digest.add(
      index + 1,
      one,
      facts.filter((fact) => fact.sequence === index + 1),
    ),
  )
  return digest.finish()
}

const FIXED = [
  input({ topic: 0, offset: 7, status: 'screened', verdict: 'hold', scorePoints: 640 }),
  input({ topic: 5, offset: 0, status: 'observed' }),
  input({
    topic: 9,
    offset: 1,
    status: 'quarantined',
    reason: 'not-json',
    body: null,
    bodySha256: Buffer.alloc(32, 7),
    bodyLengthBytes: 70_000,
  }),
]

test('known answers: the digest of a journal never changes its form', () => {
  expect(digestOf([])).toBe(createHash('sha256').digest('hex'))
  expect(digestOf(FIXED, [FACT])).toBe('8a041d14a8680e77aab65eb3d86127f7361af047f78ef3da09e368f77afd2607')
  expect(combineDigests(['00'.repeat(32), 'ff'.repeat(32)])).toBe('bba91ca85dc914b2ec3efb9e16e7267bf9193b14350d20fba8a8b406730ae30a')
})

test('of one partition the combined digest is its own; of several, their order counts', () => {
  expect(combineDigests(['ab'.repeat(32)])).toBe('ab'.repeat(32))
  expect(combineDigests(['00'.repeat(32), 'ff'.repeat(32)])).not.toBe(combineDigests(['ff'.repeat(32), '00'.repeat(32)]))
})

test.each<[string, Partial<JournaledInput>]>([
  ['topic', { topic: 1 }],
  ['offset', { offset: 8 }],
  ['body', { body: Buffer.from('bodY') }],
  ['status', { status: 'late' }],
  ['verdict', { verdict: 'block' }],
  ['no verdict', { verdict: null }],
  ['score', { scorePoints: 641 }],
])('another %s is another digest', (_name, part) => {
  expect(digestOf([{ ...FIXED[0], ...part }, ...FIXED.slice(1)], [FACT])).not.toBe(digestOf(FIXED, [FACT]))
})

test('another fact is another digest', () => {
  const whole = digestOf(FIXED, [FACT])
  for (const part of [{ sequence: 3 }, { kind: 'device' as const }, { keyToken: 'm-2' }, { value: Buffer.of(1, 3) }]) {
    expect(digestOf(FIXED, [{ ...FACT, ...part }])).not.toBe(whole)
  }
  expect(digestOf(FIXED, [])).not.toBe(whole)
})

test('clocks, tenures and where a fact stands do not count', () => {
  const whole = digestOf(FIXED, [FACT])
  expect(
    digestOf(
      FIXED.map((one) => ({ ...one, brokerTimeMs: 5, orderLagMs: 9 })),
      [FACT],
    ),
  ).toBe(whole)
  expect(digestOf(FIXED, [{ ...FACT, sourceStream: 'relations-001', sourceRevision: 9 }])).toBe(whole)
})

test('is SHA-256 over the rows, written out one by one', () => {
  const writer = new AvroWriter(16)
  const row = (sequence: number, one: JournaledInput, facts: readonly JournaledFact[]): Buffer => {
    writer.reset()
    for (const value of [sequence, one.topic, one.offset]) writer.long(value)
    writer.fixed(one.bodySha256 ?? createHash('sha256').update(one.body!).digest())
    writer.fixed(Buffer.of(STATUSES.indexOf(one.status), one.verdict === null ? 255 : VERDICTS.indexOf(one.verdict)))
    for (const value of [one.scorePoints, facts.length]) writer.long(value)
    for (const fact of facts) {
      writer.byte(FACT_KINDS.indexOf(fact.kind))
      writer.string(fact.keyToken)
      writer.bytes(fact.value)
    }
    return writer.take()
  }
  fc.assert(
    fc.property(fc.array(fc.tuple(journaledInput, fc.array(journaledFact, { maxLength: 3 })), { maxLength: 20 }), (rows) => {
      const digest = new JournalDigest()
      const simple = createHash('sha256')
      for (const [index, [one, facts]] of rows.entries()) {
        digest.add(index + 1, one, facts)
        simple.update(row(index + 1, one, facts))
      }
      expect(digest.finish()).toBe(simple.digest('hex'))
    }),
  )
})

test('a body and its digest are the same, and any number of inputs goes through', () => {
  const hashed = input({ body: null, bodySha256: createHash('sha256').update('body').digest(), bodyLengthBytes: 4 })
  expect(digestOf([hashed])).toBe(digestOf([input({})]))
  fc.assert(
    fc.property(fc.array(journaledInput, { maxLength: 30 }), fc.array(journaledFact, { maxLength: 30 }), (inputs, facts) => {
      const placed = facts.map((fact) => ({ ...fact, sequence: 1 + (fact.sequence % 30) }))
      expect(digestOf(inputs, placed)).toMatch(/^[0-9a-f]{64}$/)
      expect(digestOf(inputs, placed)).toBe(digestOf(inputs, placed))
    }),
    { numRuns: 20 },
  )
  // Larger than the buffer between flushes.
  const many = Array.from({ length: 4_000 }, (_, offset) => input({ offset }))
  expect(digestOf(many)).not.toBe(digestOf([...many.slice(1), many[0]]))
})
