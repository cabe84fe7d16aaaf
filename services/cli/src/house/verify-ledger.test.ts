import { encodeLedgerJson } from '@riskledger/events'
import {
  AvroWriter,
  contentTypeOf,
  emptyHead,
  emptyInput,
  encodeInputsScreened,
  encodeRelationsLearned,
  readMetadata,
  sealEntry,
  writeFact,
  writeInput,
  ZERO_HASH,
  type Gap,
  type JournaledFact,
} from '@riskledger/journal'
import { MadeJournal, policyWith } from '@riskledger/screening/src/testing/made-journal'
import { MemoryLedger } from '@riskledger/testing'
import { verifyLedger, type Fault } from './verify-ledger'

const HASH = 'a'.repeat(64)
const JOURNAL = 'screening-000.0000'
const RELATIONS = 'relations-000'

/** A ledger with a journal that the registry names, as the registry would have it. */
async function ledgerOf({ recorded }: MadeJournal): Promise<MemoryLedger> {
  const ledger = new MemoryLedger()
  await ledger.append(JOURNAL, 'no-stream', recorded)
  await put(ledger, 'partitions', 'JournalRegistered', registered(hashOf(ledger, JOURNAL)))
  return ledger
}

function registered(entryHash: string): Uint8Array {
  return encodeLedgerJson('JournalRegistered', { partition: 0, partitionCount: 1, stream: JOURNAL, entryHash })
}

function hashOf(ledger: MemoryLedger, stream: string, revision = 0): string {
  return readMetadata(ledger.entriesOf(stream)[revision].metadata)!.entryHash
}

/** Appends an entry whose chain is whole, whatever it says. */
async function put(ledger: MemoryLedger, stream: string, type: string, data: Uint8Array): Promise<void> {
  const revision = ledger.entriesOf(stream).length - 1
  const head = revision < 0 ? emptyHead(stream) : { stream, revision, entryHash: hashOf(ledger, stream, revision) }
  const { proposed } = sealEntry(head, {
    type,
    contentType: contentTypeOf(type),
    data,
    metadata: { engineHash: HASH, policyHash: ZERO_HASH },
  })
  await ledger.append(stream, revision < 0 ? 'no-stream' : revision, [proposed])
}

/** A batch of no inputs that lists these facts. */
function batchWith(...facts: readonly Pick<JournaledFact, 'sourceStream' | 'sourceRevision'>[]): Uint8Array {
  const writer = new AvroWriter(16)
  for (const source of facts) writeFact(writer, { sequence: 1, kind: 'device', keyToken: 'd', value: Buffer.of(), ...source })
  const none = { positions: [], gaps: [], inputCount: 0, inputBytes: Buffer.of() }
  return encodeInputsScreened({ ...none, firstSequence: 1, tickMs: 0, factCount: facts.length, factBytes: writer.view() })
}

function learnedFrom(stream: string, revision: number): Uint8Array {
  return encodeRelationsLearned({ throughEpoch: 0, consumed: [{ stream, revision }], facts: [] })
}

/** The same ledger without a stream's entries from a revision on. */
async function cut(ledger: MemoryLedger, stream: string, from: number): Promise<MemoryLedger> {
  const rest = new MemoryLedger()
  for (const entry of ledger.all) {
    if (entry.stream === stream && entry.revision >= from) continue
    await rest.append(entry.stream, entry.revision === 0 ? 'no-stream' : entry.revision - 1, [entry])
  }
  return rest
}

/** What `verify` says of a ledger; the artifacts that it refers to are nobody's concern here. */
async function faultsIn(ledger: MemoryLedger): Promise<readonly Fault[]> {
  const { faults } = await verifyLedger(ledger, { environment: '' })
  return faults.filter(({ reason }) => !reason.startsWith('artifact'))
}

async function faultsOf(made: MadeJournal): Promise<readonly Omit<Fault, 'stream'>[]> {
  return (await faultsIn(await ledgerOf(made))).map(({ revision, reason }) => ({ revision, reason }))
}

let journal: MadeJournal
beforeEach(() => {
  journal = new MadeJournal({ policy: policyWith() })
})

test('tenures rise by one', async () => {
  journal.beginTenure(2)
  expect(await faultsOf(journal)).toEqual([])
  journal.beginTenure(4)
  expect(await faultsOf(journal)).toEqual([{ revision: 4, reason: 'tenure 4 follows tenure 2' }])
})

test('the state that is attested is that of the tenure that holds the partition', async () => {
  journal.beginTenure(2)
  journal.attest(2, HASH)
  expect(await faultsOf(journal)).toEqual([])
  journal.attest(1, HASH)
  expect(await faultsOf(journal)).toEqual([{ revision: 5, reason: 'it attests the state of tenure 1 in tenure 2' }])
})

describe('the registry', () => {
  test('names every journal', async () => {
    const without = await cut(await ledgerOf(journal), 'partitions', 0)
    const reason = 'the registry (partitions) does not name this journal: entries of the registry were removed'
    expect(await faultsIn(without)).toEqual([{ stream: JOURNAL, revision: -1, reason }])
  })

  test('names a journal of one entry not yet where a worker died behind that', async () => {
    const begun = await cut(await cut(await ledgerOf(journal), 'partitions', 0), JOURNAL, 1)
    expect(await faultsIn(begun)).toEqual([])
  })

  test('is the only fault where it is itself altered', async () => {
    const altered = await cut(await ledgerOf(journal), 'partitions', 0)
    await put(altered, 'partitions', 'JournalRegistered', Buffer.from('{}'))
    expect(await faultsIn(altered)).toMatchObject([{ stream: 'partitions', revision: 0 }])
  })
})

describe('an entry goes by entries of another stream', () => {
  let ledger: MemoryLedger
  beforeEach(async () => {
    ledger = await ledgerOf(journal)
    await put(ledger, RELATIONS, 'RelationsLearned', learnedFrom(JOURNAL, 1))
    await put(ledger, RELATIONS, 'RelationsLearned', learnedFrom(JOURNAL, 2))
    const drawn = { sourceStream: '', sourceRevision: -1 }
    await put(ledger, JOURNAL, 'InputsScreened', batchWith(drawn, { sourceStream: RELATIONS, sourceRevision: 1 }))
  })

  test('which are there', async () => {
    expect(await faultsIn(ledger)).toEqual([])
  })

  test.each([
    [0, `${JOURNAL}@3 goes by ${RELATIONS}@1, and the ledger has no entry of it: it was removed`],
    [1, `${JOURNAL}@3 goes by ${RELATIONS}@1, and it ends at @0: its end was cut off`],
  ])('facts of relations whose stream was cut at %i', async (from, reason) => {
    expect(await faultsIn(await cut(ledger, RELATIONS, from))).toEqual([{ stream: RELATIONS, revision: -1, reason }])
  })

  test.each([1, 2])('a journal that relations consumed and that was cut at %i', async (from) => {
    const reason = `${RELATIONS}@1 goes by ${JOURNAL}@2, and it ends at @${from - 1}: its end was cut off`
    expect(await faultsIn(await cut(ledger, JOURNAL, from))).toEqual([{ stream: JOURNAL, revision: -1, reason }])
  })
})

describe('an entry whose chain is whole and whose content is not', () => {
  test.each([
    ['InputsScreened', Buffer.of(1), 'bytes end'],
    ['InputsScreened', Buffer.concat([batchWith(), Buffer.of(0)]), 'bytes go on after the last input'],
    ['RelationsLearned', Buffer.of(), 'bytes end'],
    ['StateAttested', Buffer.from('{"generation":'), 'JSON'],
    ['StateAttested', Buffer.from('null'), 'a state attested'],
    ['SegmentOpened', Buffer.from('{"topics":3}'), 'topics'],
  ])('%s of %j is a fault of that entry, and the other streams are checked', async (type, data, reason) => {
    const ledger = await ledgerOf(journal)
    await put(ledger, JOURNAL, type, data)
    await put(ledger, RELATIONS, 'RelationsLearned', learnedFrom(JOURNAL, 99))
    const faults = await faultsIn(ledger)
    expect(faults).toMatchObject([
      { stream: JOURNAL, revision: 3, reason: expect.stringContaining(`its content is no ${type}: `) as string },
      { stream: JOURNAL, revision: -1, reason: expect.stringContaining(`${RELATIONS}@0 goes by ${JOURNAL}@99`) as string },
    ])
    expect(faults[0].reason).toContain(reason)
  })
})

describe('the whole ledger holds more of a stream than the stream itself', () => {
  test.each([
    [0, 'reading the stream ends at @-1, and reading the whole ledger gave @2 of it'],
    [1, 'reading the stream ends at @0, and reading the whole ledger gave @2 of it'],
  ])('a stream that ends before %i', async (from, reason) => {
    const ledger = await ledgerOf(journal)
    const seen = await cut(ledger, JOURNAL, from)
    jest.spyOn(ledger, 'readStream').mockImplementation((stream, options) => seen.readStream(stream, options))
    expect(await faultsIn(ledger)).toEqual([{ stream: JOURNAL, revision: -1, reason }])
  })
})

describe('the offsets of a batch', () => {
  const inside = { topic: 0, fromOffset: 1, toOffset: 3, reason: 'aborted' }
  const covering = (offsets: readonly number[], gaps: readonly Gap[]): Uint8Array => {
    const inputs = new AvroWriter()
    for (const offset of offsets) writeInput(inputs, { ...emptyInput(), body: Buffer.of(1), bodyLengthBytes: 1, topic: 0, offset })
    const none = { factCount: 0, factBytes: Buffer.of(), tickMs: 0, firstSequence: 1 }
    return encodeInputsScreened({
      ...none,
      positions: [{ topic: 0, fromOffset: 0, toOffset: 4 }],
      gaps,
      inputCount: offsets.length,
      inputBytes: inputs.view(),
    })
  }

  test.each([
    [[0, 3], [inside], null],
    [[77, 77], [inside], 'input 1 stands at offset 77 of topic 0; 0 comes next there'],
    [[0, 1], [inside], 'input 2 stands at offset 1 of topic 0; 3 comes next there'],
    [[0], [inside], 'it covers 4 offsets and holds 1 inputs and 2 in gaps'],
    [[0], [{ ...inside, fromOffset: 100, toOffset: 103 }], 'its inputs and gaps are not, offset by offset, what its positions cover'],
    [[0], [{ ...inside, topic: 1, toOffset: 4 }], 'its inputs and gaps are not, offset by offset, what its positions cover'],
  ])('%j with gaps %j', async (offsets, gaps, reason) => {
    const ledger = await ledgerOf(journal)
    await put(ledger, JOURNAL, 'InputsScreened', covering(offsets, gaps))
    expect(await faultsIn(ledger)).toEqual(reason === null ? [] : [{ stream: JOURNAL, revision: 3, reason }])
  })
})
