import type { LogRecord } from '@riskledger/contracts'
import { validateLedgerJson, type RawInputs } from '@riskledger/events'
import { MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import type { OpenedEntry } from '@riskledger/journal'
import { encodeAnswer } from './answer-given'
import { BATCH_BYTES } from './batch-builder'
import { readState } from './state-snapshot'
import { stateBytes } from './testing/state-bytes'
import { JournalFold } from './journal-fold'
import { liveRecord, MadeJournal, policyWith, reseal, STREAM } from './testing/made-journal'
import { mergeItem } from './topic-merge'

const TICK_MS = 1_778_697_620_000
const EVERYONE = policyWith([
  [/ratePpm: 500/, 'ratePpm: 1000000'],
  [/maxScorePoints: 200/, 'maxScorePoints: 299'],
])

function eventId(kind: number, number: number): string {
  return `0192f3c4-5b6a-7c8d-9e0f-${kind}${String(number).padStart(11, '0')}`
}

function payment(number: number): LogRecord {
  return liveRecord('payments', { ...MINIMAL_EVENTS.payments, eventId: eventId(1, number), paymentId: `p-${number}` }, number)
}

function answer(number: number, part: Partial<RawInputs['answers']> = {}, offset = number): LogRecord {
  const event = { ...MINIMAL_EVENTS.answers, eventId: eventId(2, number), inputEventId: eventId(1, number), verdict: 'hold' as const }
  return liveRecord('answers', { ...event, fallback: false, latencyMs: 12, ...part }, offset)
}

function journalOf(records: readonly LogRecord[], policy = EVERYONE): MadeJournal {
  const journal = new MadeJournal({ policy, draw: () => Buffer.from('0000') })
  journal.screen({ items: records.map((record) => mergeItem(record)), gaps: [], tickMs: TICK_MS })
  return journal
}

function answersOf(entries: readonly OpenedEntry[]): string[] {
  return entries.filter(({ type }) => type === 'AnswerGiven').map(({ data }) => Buffer.from(data).toString('utf8'))
}

test('what a caller was told stands behind the decisions of its batch, in canonical JSON, its sequence the answer’s', () => {
  const journal = journalOf([payment(1), answer(1), payment(2), answer(2, { verdict: 'allow', fallback: true, latencyMs: 150 })])
  expect(journal.entries.slice(3).map(({ type }) => type)).toEqual([
    'InputsScreened',
    'DecisionMade',
    'DecisionMade',
    'AnswerGiven',
    'AnswerGiven',
  ])
  expect(answersOf(journal.entries)).toEqual([
    '{"eventId":"0192f3c4-5b6a-7c8d-9e0f-100000000001","verdict":"hold","fallback":false,"latencyMs":12}',
    '{"eventId":"0192f3c4-5b6a-7c8d-9e0f-100000000002","verdict":"allow","fallback":true,"latencyMs":150}',
  ])
  for (const text of answersOf(journal.entries)) expect(validateLedgerJson('AnswerGiven', JSON.parse(text)).kind).toBe('accepted')
  expect(journal.entries.slice(-2).map(({ metadata }) => [metadata.firstSequence, metadata.lastSequence])).toEqual([
    [2, 2],
    [4, 4],
  ])
  // One append, one chain.
  expect(journal.stage.head).toEqual(journal.entries.at(-1)!.head)
})

test('it changes no verdict and no state, and a fold finds the same', () => {
  const journal = journalOf([payment(1), answer(1), payment(2), answer(2)])
  const fold = journal.fold()
  expect(fold.firstMismatch).toBeNull()
  expect(fold.comparedCount).toBe(4 + 2 + 2)
  expect(fold.step!.stateHash()).toBe(journal.step.stateHash())
  expect(fold.step!.statusCounts).toMatchObject({ screened: 2, observed: 2 })
})

test('an answer that came twice, or again with other content, or is refused, makes no second entry', () => {
  const journal = journalOf([
    answer(1),
    answer(1, {}, 2),
    answer(1, { verdict: 'allow' }, 3),
    { ...answer(4), key: Buffer.from('somebody-else') },
    answer(5, { eventTimeMs: TICK_MS + 3_600_000_000 }),
  ])
  expect(journal.step.statusCounts).toMatchObject({ observed: 2, duplicate: 1, conflicting: 1, quarantined: 1 })
  expect(answersOf(journal.entries)).toHaveLength(2)
  expect(journal.fold().firstMismatch).toBeNull()
})

test('a late answer was given all the same; one that names no known verdict is an input and nothing more', () => {
  const { eventTimeMs } = MINIMAL_EVENTS.answers
  const journal = journalOf([
    answer(1),
    answer(2, { eventTimeMs: eventTimeMs - 7_200_000 }),
    answer(3, { verdict: 'unknown' }),
    { ...answer(4), value: Buffer.from('no event') },
  ])
  expect(journal.step.statusCounts).toMatchObject({ observed: 2, late: 1, quarantined: 1 })
  expect(answersOf(journal.entries)).toHaveLength(2)
  expect(journal.fold().firstMismatch).toBeNull()
})

test('a batch without answers is what it was', () => {
  const journal = journalOf([payment(1), payment(2)])
  expect(answersOf(journal.entries)).toEqual([])
  expect(journal.step.answer).toBeNull()
  expect(journal.fold().firstMismatch).toBeNull()
})

test('answers count in what closes a batch', () => {
  const journal = journalOf(Array.from({ length: 3_000 }, (_, number) => answer(number)))
  const appends: number[] = []
  for (const { type, data, metadata } of journal.recorded.slice(3)) {
    if (type === 'InputsScreened') appends.push(0)
    appends[appends.length - 1] += data.length + metadata.length
  }
  expect(appends.length).toBeGreaterThan(2)
  // The inputs are deflated in what is stored, and not in what is counted.
  for (const bytes of appends) expect(bytes).toBeLessThan(BATCH_BYTES + 2_000)
  expect(answersOf(journal.entries)).toHaveLength(3_000)
  expect(journal.fold().firstMismatch).toBeNull()
})

describe('a journal that says something else of an answer, its chain made whole again, is told', () => {
  const journal = journalOf([payment(1), answer(1), payment(2), answer(2)])
  const { entries } = journal
  const at = entries.findIndex(({ type }) => type === 'AnswerGiven')
  const told = { eventId: eventId(1, 1), verdict: 'hold' as const, fallback: false, latencyMs: 12, sequence: 2 }

  test('untouched, it is whole', () => {
    expect(journal.fold(reseal(entries, at, ({ data }) => ({ data }))).firstMismatch).toBeNull()
  })

  test.each([
    ['its verdict', { verdict: 'allow' as const }],
    ['its fallback', { fallback: true }],
    ['its latency', { latencyMs: 11 }],
    ['its event', { eventId: eventId(1, 2) }],
  ])('%s', (_name, change) => {
    const fold = journal.fold(reseal(entries, at, () => ({ data: encodeAnswer({ ...told, ...change }) })))
    expect(fold.mismatchCount).toBe(1)
    expect(fold.firstMismatch).toMatchObject({ stream: STREAM, revision: at, sequence: 2, field: 'answer' })
  })

  test('its place among the inputs', () => {
    const moved = entries.map((entry, index) =>
      index === at ? { ...entry, metadata: { ...entry.metadata, firstSequence: 1, lastSequence: 1 } } : entry,
    )
    const fold = journal.fold(reseal(moved, at, ({ data }) => ({ data })))
    expect(fold.firstMismatch).toMatchObject({ revision: at, sequence: 2, field: 'answer' })
  })

  test('one that is left out, in the middle or at the end, and one too many', () => {
    expect(journal.fold(reseal(entries, at, () => null)).firstMismatch).toMatchObject({ field: 'answer', sequence: 2 })
    expect(journal.fold(entries.slice(0, -1)).firstMismatch).toMatchObject({ field: 'answer', sequence: 4, recorded: 'no answer' })
    const again = { ...entries.at(-1)!, revision: entries.length }
    expect(journal.fold([...entries, again]).firstMismatch).toMatchObject({ field: 'answer', folded: 'no answer' })
  })

  test('a decision that is left out does not pass for an answer', () => {
    const fold = journal.fold(reseal(entries, at - 1, () => null))
    expect(fold.firstMismatch).toMatchObject({ field: 'answer', folded: 'no answer' })
    expect(fold.mismatchCount).toBeGreaterThan(1)
  })
})

describe('a tenure from before there were answers', () => {
  // Without decisions, whose ids hang on the entries before them.
  const journal = journalOf([payment(1), answer(1)], policyWith([[/ratePpm: 500/, 'ratePpm: 0']]))
  const old = reseal(journal.entries.slice(0, -1), 1, ({ data }) => ({
    data: Buffer.from(Buffer.from(data).toString('utf8').replace(',"recordsAnswers":true', '')),
  }))

  test('folds to what it was, also from a snapshot', () => {
    expect(journal.fold(old).firstMismatch).toBeNull()
    const beginning = journal.fold(old.slice(0, 3))
    const snapshot = stateBytes({ step: beginning.step!, nextOffsets: beginning.nextOffsets, tenure: beginning.tenure })
    const resumed = new JournalFold(STREAM)
    resumed.resume({ head: old[2].head, ...readState(snapshot, (hash) => journal.policyOf(hash))! })
    for (const entry of old.slice(3)) resumed.apply(entry, (hash) => journal.policyOf(hash))
    resumed.finish()
    expect(resumed.firstMismatch).toBeNull()
  })

  test('holds none', () => {
    const answered = [...old, { ...journal.entries.at(-1)!, revision: old.length }]
    expect(journal.fold(answered).firstMismatch).toMatchObject({ field: 'answer', folded: 'no answer' })
  })
})
