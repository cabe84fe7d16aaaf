import { createHash } from 'node:crypto'
import type { LogRecord } from '@riskledger/contracts'
import { decodeRaw } from '@riskledger/events'
import { decodeInputsScreened, JournalDigest, type JournaledInput, type OpenedEntry } from '@riskledger/journal'
import { blankCounterpartyFact, encodeCounterpartyFact, encodeDeviceFact } from '@riskledger/relations'
import { Random } from '@riskledger/simulation'
import type { FactDesk } from './fact-desk'
import { JournalFold } from './journal-fold'
import { readState } from './state-snapshot'
import { stateBytes } from './testing/state-bytes'
import { MadeJournal, policyWith, reseal, scenarioRecords, STREAM } from './testing/made-journal'
import { mergeItem } from './topic-merge'
import { writeBatch } from './testing/write-batch'

const EAGER = policyWith([
  [/ratePpm: 500/, 'ratePpm: 1000000'],
  [/maxScorePoints: 200/, 'maxScorePoints: 290'],
])
const STRICT = policyWith([
  [/payments: { challenge: 300, hold: 500, block: 800 }/, 'payments: { challenge: 60, hold: 150, block: 400 }'],
  [/dedupeHorizonMs: 604800000/, 'dedupeHorizonMs: 172800000'],
  [/ratePpm: 500/, 'ratePpm: 0'],
])
const LOOSE = policyWith([[/dedupeHorizonMs: 604800000/, 'dedupeHorizonMs: 1209600000']])
const POLICIES = [EAGER, STRICT, LOOSE]

/** Facts that change as a seed decides. */
class ChangingFacts {
  private revision = 0

  constructor(
    private readonly random: Random,
    private readonly desk: () => FactDesk,
  ) {}

  learn(record: LogRecord): void {
    if (!this.random.chance(300)) return
    const item = mergeItem(record)
    const decoded = record.topic === 'unparsable' ? null : decodeRaw(record.topic, record.value)
    if (decoded?.kind !== 'decoded') return
    const event = decoded.event as { counterpartyId?: string | null; deviceId?: string | null }
    const asOfMs = item.eventTimeMs
    const many = this.random.below(60)
    if (typeof event.counterpartyId === 'string') this.set('counterparty', event.counterpartyId, counterparty(asOfMs, many))
    if (typeof event.deviceId === 'string') {
      this.set(
        'device',
        event.deviceId,
        encodeDeviceFact({ asOfMs, firstSeenMs: asOfMs - 1_000, distinctAccounts: 1 + many, lastKnownFraudMs: -1 }),
      )
    }
  }

  private set(kind: 'counterparty' | 'device', keyToken: string, value: Uint8Array): void {
    this.desk().offer(kind, keyToken, { value, sourceStream: 'relations-000', sourceRevision: this.revision++ })
  }
}

function counterparty(asOfMs: number, many: number): Uint8Array {
  return encodeCounterpartyFact({
    ...blankCounterpartyFact(asOfMs - 5_000),
    asOfMs,
    paymentCount: many * 3,
    distinctPayers: many,
    lastKnownFraudMs: many > 40 ? asOfMs - 100 : -1,
    fraudRegister: many > 40 ? 3 : 0,
    fraudRegisterLength: Math.min(8, many),
    known3d: many * 65_536,
    known7d: many * 65_536,
    fraudTotal: many > 40 ? 2 : 0,
    legitimateTotal: many,
    counterfeitReports: many > 55 ? 2 : 0,
  })
}

function draw(sequence: number): Uint8Array | null {
  const digest = createHash('sha256').update(`${sequence}`).digest()
  return digest[0] < 8 ? digest.subarray(0, 4) : null
}

/** A journal in which everything happens that can: files and live inputs, facts, draws, ticks, tenures, switches of policy. */
function eventfulJournal(seed: number): MadeJournal {
  const random = new Random(seed)
  const mixed = random.chance(500)
  let live = false
  const records = scenarioRecords({ seed, accounts: 60, days: 10, oddities: 3 }, () => {
    if (mixed && random.chance(10)) live = !live
    return live ? 'live' : 'file'
  })
  const journal = new MadeJournal({ policy: POLICIES[random.below(3)], draw })
  const facts = new ChangingFacts(random, () => journal.step.facts)
  journal.beforeInput = (item) => facts.learn(item.record)
  let generation = 2
  for (let at = 0; at < records.length;) {
    const count = 1 + random.below(random.chance(100) ? 300 : 60)
    const part = records.slice(at, at + count)
    at += part.length
    const last = part[part.length - 1]
    journal.screen({
      items: part.map((record) => mergeItem(record)),
      gaps: [],
      tickMs: last.orderTimeMs === undefined ? last.brokerTimeMs + random.below(5_000) : undefined,
    })
    if (random.chance(100)) journal.beginTenure(generation++)
    if (random.chance(100)) journal.activate(POLICIES[random.below(3)])
    if (random.chance(50)) journal.screen({ items: [], gaps: [], tickMs: last.brokerTimeMs + random.below(10_000_000) })
  }
  return journal
}

function digestOf(entries: readonly OpenedEntry[]): string {
  const digest = new JournalDigest()
  for (const entry of entries) {
    if (entry.type !== 'InputsScreened') continue
    const batch = decodeInputsScreened(entry.data)
    batch.forEachInput((input, index) => {
      const sequence = batch.firstSequence + index
      digest.add(
        sequence,
        input,
        batch.facts.filter((fact) => fact.sequence === sequence),
      )
    })
  }
  return digest.finish()
}

describe('a fold is what was live', () => {
  test.each([1, 2, 3])('seed %d: no mismatch, the same state, the same next offsets', (seed) => {
    const journal = eventfulJournal(seed)
    const fold = journal.fold()
    expect(fold.firstMismatch).toBeNull()
    expect(fold.mismatchCount).toBe(0)
    expect(fold.step!.stateHash()).toBe(journal.step.stateHash())
    expect(fold.nextOffsets).toEqual(journal.stage.nextOffsets)
    expect(fold.step!.statusCounts).toEqual(journal.step.statusCounts)
    expect(fold.step!.verdictCounts).toEqual(journal.step.verdictCounts)
    expect(fold.inputCount).toBe(journal.step.nextSequence - 1)
    expect(fold.comparedCount).toBe(fold.inputCount + journal.entries.filter(({ type }) => type === 'DecisionMade').length)
    // The scenario holds what the property is about.
    expect(journal.step.statusCounts.quarantined).toBeGreaterThan(0)
    expect(journal.step.statusCounts.duplicate).toBeGreaterThan(0)
    expect(journal.entries.some(({ type }) => type === 'DecisionMade')).toBe(true)
  })
})

describe('the state that a tenure began with', () => {
  const WRONG = 'f'.repeat(64)
  const records = scenarioRecords({ seed: 6, accounts: 60, days: 10 })
  const screen = (journal: MadeJournal, from: number, to: number): void =>
    journal.screen({ items: records.slice(from, to).map((record) => mergeItem(record)), gaps: [], tickMs: undefined })
  const begun = (): MadeJournal => {
    const journal = new MadeJournal({ policy: EAGER, draw })
    screen(journal, 0, 200)
    return journal
  }
  const checked = ({ entries, policies }: MadeJournal, from = new JournalFold(STREAM)): JournalFold => {
    from.checksStates = true
    for (const entry of entries.slice(from.head.revision + 1)) from.apply(entry, (hash) => policies.get(hash)!)
    from.finish()
    return from
  }

  test('is compared with what its entry tells', () => {
    const journal = begun()
    journal.beginTenure(2)
    expect(checked(journal).firstMismatch).toBeNull()
    const right = journal.step.stateHash()
    journal.beginTenure(3, WRONG)
    expect(checked(journal).firstMismatch).toMatchObject({ field: 'stateHash', sequence: 200, recorded: WRONG, folded: right })
    expect(journal.fold().mismatchCount).toBe(0)
  })

  test('is compared with what a later entry tells, whatever came between them', () => {
    const journal = begun()
    const hash = journal.step.stateHash()
    journal.beginTenure(2, '0'.repeat(64))
    screen(journal, 200, 300)
    const before = checked(journal).comparedCount
    journal.attest(2, hash)
    expect(checked(journal)).toMatchObject({ firstMismatch: null, comparedCount: before + 1 })
    journal.beginTenure(3, '0'.repeat(64))
    journal.attest(3, hash)
    const { firstMismatch } = checked(journal)
    expect(firstMismatch).toMatchObject({ field: 'stateHash', recorded: hash, folded: journal.step.stateHash() })
    expect(firstMismatch!.revision).toBe(journal.entries.length - 1)
  })

  test('is compared with every entry that tells it, and is that of the tenure that holds the partition', () => {
    const journal = begun()
    journal.beginTenure(2)
    journal.attest(2, WRONG)
    expect(checked(journal).firstMismatch).toMatchObject({ field: 'stateHash', recorded: WRONG, folded: journal.step.stateHash() })
    const other = begun()
    other.beginTenure(2, '0'.repeat(64))
    other.attest(1, other.step.stateHash())
    expect(checked(other).firstMismatch).toMatchObject({ field: 'stateHash', folded: 'of tenure 2' })
  })

  test('is compared with nothing where no entry told it, or where the fold began after the tenure', () => {
    const journal = begun()
    journal.beginTenure(2, '0'.repeat(64))
    screen(journal, 200, 300)
    const resumed = new JournalFold(STREAM)
    const { head, step, nextOffsets, tenure } = journal.fold()
    resumed.resume({ head, step: step!, nextOffsets, tenure })
    journal.attest(2, WRONG)
    expect(checked(journal, resumed).mismatchCount).toBe(0)
    const other = begun()
    other.beginTenure(2, '0'.repeat(64))
    other.beginTenure(3)
    expect(checked(other).mismatchCount).toBe(0)
  })
})

describe('a switch of policy, after whatever came before it', () => {
  const ZERO = '0'.repeat(64)
  const records = scenarioRecords({ seed: 7, accounts: 60, days: 14 }, () => 'live').map((record) => mergeItem(record))
  const screen = (journal: MadeJournal, from: number, to: number): void => {
    for (let at = from; at < to; at += 200) {
      const items = records.slice(at, Math.min(at + 200, to))
      journal.screen({ items, gaps: [], tickMs: items.at(-1)!.record.brokerTimeMs + 500 })
    }
  }
  const copyOf = ({ step, policies }: MadeJournal): JournalFold['step'] =>
    readState(stateBytes({ step, nextOffsets: [], tenure: null }), (hash) => policies.get(hash)!)!.step
  const HALF_LIFE = policyWith([[/habitHalfLifeMs: \d+/, 'habitHalfLifeMs: 864000000']])
  const LABEL_DELAY = policyWith([[/labelDelayMs: \d+/, 'labelDelayMs: 864000000']])

  test.each<[string, (journal: MadeJournal) => void]>([
    ['a tenure that tells its hash', (journal) => journal.beginTenure(2)],
    [
      'a tenure whose hash is told later',
      (journal) => {
        const told = copyOf(journal)!.stateHash()
        journal.beginTenure(2, ZERO)
        journal.attest(2, told)
      },
    ],
    ['no tenure', () => undefined],
  ])('%s, is the same live, taken over and replayed', (_name, before) => {
    for (const policy of [HALF_LIFE, LABEL_DELAY]) {
      const journal = new MadeJournal({ policy: policyWith() })
      screen(journal, 0, 1_500)
      // Hours in which labels fall due, and nothing comes that would tell.
      journal.screen({ items: [], gaps: [], tickMs: records[1_499].record.brokerTimeMs + 40_000_000 })
      before(journal)
      journal.activate(policy)
      screen(journal, 1_500, records.length)
      journal.beginTenure(3, ZERO)
      journal.attest(3, copyOf(journal)!.stateHash())
      const replay = new JournalFold(STREAM)
      replay.checksStates = true
      for (const entry of journal.entries) replay.apply(entry, (hash) => journal.policyOf(hash))
      for (const fold of [journal.fold(), replay]) {
        expect(fold.firstMismatch).toBeNull()
        expect(fold.step!.stateHash()).toBe(journal.step.stateHash())
      }
    }
  })

  test.each([
    ['raised', 'maxAccounts: 20', 'maxAccounts: 4000000'],
    ['lowered', 'maxAccounts: 4000000', 'maxAccounts: 20'],
  ])('the limit of accounts %s holds from then on, also in a state that was restored', (_name, before, after) => {
    const journal = new MadeJournal({ policy: policyWith([[/maxAccounts: \d+/, before]]) })
    screen(journal, 0, 1_200)
    journal.activate(policyWith([[/maxAccounts: \d+/, after]]))
    screen(journal, 1_200, 1_400)
    const from = { head: journal.stage.head, nextOffsets: [...journal.stage.nextOffsets], tenure: null }
    const restored = new JournalFold(STREAM)
    restored.resume({ ...from, step: copyOf(journal)! })
    screen(journal, 1_400, records.length)
    for (const entry of journal.entries.slice(from.head.revision + 1)) restored.apply(entry, (hash) => journal.policyOf(hash))
    for (const fold of [journal.fold(), restored]) {
      expect(fold.firstMismatch).toBeNull()
      expect(fold.step!.stateHash()).toBe(journal.step.stateHash())
    }
  })
})

describe('a snapshot is a fold', () => {
  test('taken after any batch and gone on from, it gives the same state', () => {
    const journal = eventfulJournal(5)
    const random = new Random(9)
    const whole = journal.fold()
    const bytes = stateBytes({ step: whole.step!, nextOffsets: whole.nextOffsets, tenure: whole.tenure })
    let taken = 0
    journal.fold(journal.entries, (fold, entry) => {
      const next = journal.entries[entry.revision + 1]
      const between = next === undefined || next.type !== 'DecisionMade'
      if (fold.step === null || fold.step.policyHash === '0'.repeat(64) || !between || !random.chance(200)) return
      taken++
      const snapshot = stateBytes({ step: fold.step, nextOffsets: fold.nextOffsets, tenure: fold.tenure })
      const state = readState(snapshot, (hash) => journal.policyOf(hash))!
      expect(state.step.stateHash()).toBe(fold.step.stateHash())
      const resumed = new JournalFold(STREAM)
      resumed.resume({ head: entry.head, ...state })
      for (const later of journal.entries.slice(entry.revision + 1)) resumed.apply(later, (hash) => journal.policyOf(hash))
      resumed.finish()
      expect(resumed.firstMismatch).toBeNull()
      expect(resumed.step!.stateHash()).toBe(whole.step!.stateHash())
      expect(resumed.nextOffsets).toEqual(whole.nextOffsets)
      expect(resumed.tenure).toEqual(whole.tenure)
    })
    expect(taken).toBeGreaterThan(2)
    const again = readState(bytes, (hash) => journal.policyOf(hash))!
    expect(again.step.stateHash()).toBe(whole.step!.stateHash())
    const twice = readState(stateBytes(again), (hash) => journal.policyOf(hash))!
    expect(twice.step.stateHash()).toBe(whole.step!.stateHash())
    expect(twice).toMatchObject({ nextOffsets: whole.nextOffsets, tenure: whole.tenure })
  })

  test('bytes of another format are no state', () => {
    const journal = eventfulJournal(5)
    const bytes = stateBytes({ step: journal.step, nextOffsets: [], tenure: null })
    const other = Uint8Array.from(bytes)
    other[0] ^= 1
    expect(readState(other, (hash) => journal.policyOf(hash))).toBeNull()
  })
})

test('where batches fall changes neither verdicts nor the digest of a file', () => {
  const records = scenarioRecords({ seed: 6, accounts: 60, days: 10 })
  const journals = [1, 37, 5_000].map((size) => {
    const journal = new MadeJournal({ policy: EAGER, draw })
    for (let at = 0; at < records.length; at += size) {
      journal.screen({ items: records.slice(at, at + size).map((record) => mergeItem(record)), gaps: [], tickMs: undefined })
    }
    return journal
  })
  expect(new Set(journals.map(({ entries }) => digestOf(entries))).size).toBe(1)
  expect(new Set(journals.map(({ step }) => step.stateHash())).size).toBe(1)
})

describe('a journal that says something else, its chain made whole again, is told', () => {
  const journal = eventfulJournal(7)
  const { entries } = journal
  const batchAt = entries.findIndex((entry) => entry.type === 'InputsScreened' && verdictsOf(entry).includes('challenge'))
  const decisionAt = entries.findIndex((entry) => entry.type === 'DecisionMade')

  function verdictsOf(entry: OpenedEntry): (string | null)[] {
    const verdicts: (string | null)[] = []
    decodeInputsScreened(entry.data).forEachInput((input) => verdicts.push(input.verdict))
    return verdicts
  }

  function changed(index: number, change: (input: JournaledInput) => void): { readonly data: Uint8Array } {
    return { data: writeBatch(entries[batchAt].data, (input, at) => at === index && change(input)) }
  }

  test('untouched, it is whole', () => {
    expect(journal.fold(reseal(entries, batchAt, ({ data }) => ({ data: writeBatch(data, () => undefined) }))).firstMismatch).toBeNull()
  })

  test.each<[string, (input: JournaledInput) => void, object]>([
    ['verdict', (input) => (input.verdict = 'allow'), { field: 'verdict', recorded: 'allow' }],
    ['score', (input) => input.scorePoints++, { field: 'scorePoints' }],
    ['status', (input) => (input.status = 'observed'), { field: 'status', recorded: 'observed', folded: 'screened' }],
    ['age', (input) => (input.lateByMs = 5), { field: 'lateByMs', recorded: '5', folded: 'null' }],
    ['dedupe', (input) => (input.dedupeUnchecked = true), { field: 'dedupeUnchecked' }],
  ])('%s', (_name, change, expected) => {
    const index = verdictsOf(entries[batchAt]).findIndex((verdict) => verdict !== null && verdict !== 'allow')
    const fold = journal.fold(reseal(entries, batchAt, () => changed(index, change)))
    const sequence = decodeInputsScreened(entries[batchAt].data).firstSequence + index
    expect(fold.firstMismatch).toMatchObject({ stream: STREAM, revision: batchAt, sequence, ...expected })
    expect(fold.mismatchCount).toBeGreaterThan(0)
  })

  test('what was refused for a schema that nobody knew then, stays refused by code that knows it; what was refused for its bytes does not', () => {
    const index = verdictsOf(entries[batchAt]).lastIndexOf('allow')
    const sequence = decodeInputsScreened(entries[batchAt].data).firstSequence + index
    const refusedFor = (reason: string) => (input: JournaledInput) => {
      input.status = 'quarantined'
      input.reason = reason
      input.verdict = null
      input.scorePoints = 0
    }
    const asRecorded = journal.fold(reseal(entries, batchAt, () => changed(index, refusedFor('unknown-schema'))).slice(0, batchAt + 1))
    // Every input comes out as recorded; the batch's decisions are cut away with the rest of the journal.
    expect(asRecorded.firstMismatch).toMatchObject({ field: 'decision', recorded: 'no decision' })
    const otherwise = journal.fold(reseal(entries, batchAt, () => changed(index, refusedFor('invalid-value'))).slice(0, batchAt + 1))
    expect(otherwise.firstMismatch).toMatchObject({ sequence, field: 'status', recorded: 'quarantined', folded: 'screened' })
  })

  test('an offset that the batch does not cover, or that is taken already', () => {
    for (const at of [0, 1]) {
      const data = writeBatch(entries[batchAt].data, (input, index) => {
        if (index >= at) input.offset = at === 0 ? 1_000_000 : input.offset - 1
      })
      const fold = journal.fold(reseal(entries, batchAt, () => ({ data })))
      expect(fold.firstMismatch).toMatchObject({ revision: batchAt, field: 'offset' })
    }
  })

  test('a fact that belongs to no input of its batch', () => {
    const stray = { sequence: 1_000_000, kind: 'device', keyToken: 'd', value: Buffer.of(1), sourceStream: 's', sourceRevision: 3 } as const
    const fold = journal.fold(reseal(entries, batchAt, ({ data }) => ({ data: writeBatch(data, () => undefined, { facts: [stray] }) })))
    expect(fold.firstMismatch).toMatchObject({ revision: batchAt, sequence: 1_000_000, field: 'fact', recorded: 'a device fact' })
  })

  test('a byte of a decision', () => {
    const sequence = entries[decisionAt].metadata.firstSequence
    const fold = journal.fold(
      reseal(entries, decisionAt, ({ data }) => {
        const copy = Uint8Array.from(data)
        copy[copy.lastIndexOf(0x6e)]++
        return { data: copy }
      }),
    )
    expect(fold.firstMismatch).toMatchObject({ stream: STREAM, revision: decisionAt, sequence, field: 'decision' })
  })

  test('a decision that is left out, in the middle or at the end', () => {
    const sequence = entries[decisionAt].metadata.firstSequence
    const fold = journal.fold(reseal(entries, decisionAt, () => null))
    expect(fold.mismatchCount).toBeGreaterThan(0)
    expect(fold.firstMismatch).toMatchObject({ field: 'decision' })
    const atEnd = journal.fold(entries.slice(0, decisionAt))
    expect(atEnd.firstMismatch).toMatchObject({ sequence, field: 'decision', recorded: 'no decision' })
  })

  test('a batch that does not begin where the one before it ended', () => {
    const fold = journal.fold(
      reseal(entries, batchAt, ({ data }) => ({ data: writeBatch(data, () => undefined, { firstSequence: 1, fromOffset: 3 }) })),
    )
    expect(fold.firstMismatch).toMatchObject({ revision: batchAt, field: 'firstSequenceOfBatch', recorded: '1' })
    expect(fold.mismatchCount).toBeGreaterThan(1)
  })
})

test('an entry of a type that this version does not know is refused by name', () => {
  const journal = new MadeJournal({ policy: STRICT })
  const entry = { ...journal.entries[2], type: 'CaseOpened' }
  const fold = journal.fold(journal.entries.slice(0, 2))
  expect(() => fold.apply(entry, (hash) => journal.policyOf(hash))).toThrow(/@2: entry type CaseOpened is unknown/)
})
