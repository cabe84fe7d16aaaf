import { encodeLedgerJson, toHex, validateLedgerJson, type DecisionMadeInput } from '@riskledger/events'
import { decodeInputsScreened } from './inputs-screened'
import { emptyInput, type JournaledInput } from './journaled-input'
import { decodeRelationsLearned, encodeRelationsLearned, type RelationsLearned } from './relations-learned'
import { encodeBatch, type BatchContent } from './testing/journal-arbitraries'

const BYTES = Buffer.of(0xc3, 0x01, 0xff)

/** Every optional field is there in one input and absent in the other; one body is whole, of the other there is the digest. */
const INPUTS: readonly JournaledInput[] = [
  {
    topic: 1,
    offset: 300,
    brokerTimeMs: 1_778_697_618_000,
    orderLagMs: 70,
    body: BYTES,
    bodySha256: null,
    bodyLengthBytes: BYTES.length,
    status: 'conflicting',
    reason: 'id-reused',
    lateByMs: 5_000,
    firstSequence: 9,
    verdict: 'hold',
    scorePoints: 742,
    dedupeUnchecked: true,
    habitDistanceCenti: -250,
  },
  { ...emptyInput(), offset: 1, bodySha256: Buffer.alloc(32, 0x9f), bodyLengthBytes: 65_537 },
]

const BATCH: BatchContent = {
  firstSequence: 10,
  tickMs: 1_778_697_618_001,
  positions: [{ topic: 1, fromOffset: 300, toOffset: 302 }],
  gaps: [{ topic: 1, fromOffset: 301, toOffset: 302, reason: 'marker' }],
  facts: [
    { sequence: 10, kind: 'device', keyToken: 'd-4', value: BYTES, sourceStream: 'relations-learned', sourceRevision: 7 },
    { sequence: 11, kind: 'random-challenge', keyToken: 'é', value: Buffer.of(), sourceStream: '', sourceRevision: -1 },
  ],
  inputs: INPUTS,
}

const LEARNED: RelationsLearned = {
  throughEpoch: 20_586,
  consumed: [
    { stream: 'screening-000.0000', revision: 64 },
    { stream: 'screening-001.0000', revision: 0 },
  ],
  facts: [
    { epoch: -1, kind: 'counterparty', keyToken: 'm-0071', value: BYTES },
    { epoch: 20_586, kind: 'device', keyToken: 'd-4', value: Buffer.of() },
  ],
}

/** Every optional field is there in the first signal and absent in the second. */
const DECISION: DecisionMadeInput = {
  decisionId: '8be23f37-3dc6-5e4a-bfb2-b796d51fd431',
  sequence: 10,
  eventId: '0192f3c4-5b6a-7c8d-9e0f-a1b2c3d4e5f6',
  accountId: 'a-0293',
  eventTimeMs: 1_778_697_618_000,
  subject: { topic: 'payments', businessId: 'pay-88213' },
  verdict: 'hold',
  scorePoints: 742,
  signals: [
    {
      detector: 'velocity',
      code: 'velocity',
      points: 742,
      features: [{ name: 'country', value: -3, unit: 'code', text: 'é "\\', fromMs: 0, toMs: 600_000, exact: true }],
      threshold: { value: 40, unit: 'payments' },
      historyCount: 41,
    },
    {
      detector: 'liveness',
      code: 'liveness',
      points: -1,
      features: [{ name: 'count', value: 0, unit: 'checks', exact: false }],
      historyCount: 0,
    },
  ],
  combinations: [{ code: 'both', points: 5, of: ['velocity', 'liveness'] }],
  reasonCodes: ['velocity'],
  facts: [{ kind: 'random-challenge', keyToken: 'a-0293', sourceStream: '', sourceRevision: -1 }],
  ladderBefore: 'none',
  ladderAfter: 'challenged',
}
const PLAIN_DECISION: DecisionMadeInput = { ...DECISION, signals: [], combinations: [], reasonCodes: [], facts: [] }

describe('known answers: these bytes are in ledgers, they never change', () => {
  test('InputsScreened', () => {
    const bytes = encodeBatch(BATCH)
    expect(toHex(bytes)).toBe(
      '14a2899eaac4670202d804dc04000202da04dc040c6d61726b65720004140206642d3406c301ff2272656c6174696f6e732d6c6561726e65640e160404c3a9000001000402d804a0899eaac467028c010006c301ff08021269642d72657573656402904e02120204cc0b0102f30300020000029f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f828008020000000000000000',
    )
    const view = decodeInputsScreened(bytes)
    const read: JournaledInput[] = []
    view.forEachInput((input) => read.push({ ...input }))
    expect(read).toEqual(INPUTS)
    expect(view).toMatchObject({
      firstSequence: 10,
      tickMs: BATCH.tickMs,
      positions: BATCH.positions,
      gaps: BATCH.gaps,
      facts: BATCH.facts,
    })
  })

  test('InputsScreened of nothing', () => {
    expect(toHex(encodeBatch({ ...BATCH, positions: [], gaps: [], facts: [], inputs: [] }))).toBe('14a2899eaac46700000000')
  })

  test('RelationsLearned', () => {
    const bytes = encodeRelationsLearned(LEARNED)
    expect(toHex(bytes)).toBe(
      'd4c102042473637265656e696e672d3030302e3030303080012473637265656e696e672d3030312e3030303000000401000c6d2d3030373106c301ffd4c1020206642d340000',
    )
    expect(decodeRelationsLearned(bytes)).toEqual(LEARNED)
    expect(toHex(encodeRelationsLearned({ throughEpoch: -1, consumed: [], facts: [] }))).toBe('010000')
  })

  test.each([
    [
      'DecisionMade',
      DECISION,
      '{"decisionId":"8be23f37-3dc6-5e4a-bfb2-b796d51fd431","sequence":10,"eventId":"0192f3c4-5b6a-7c8d-9e0f-a1b2c3d4e5f6","accountId":"a-0293","eventTimeMs":1778697618000,"subject":{"topic":"payments","businessId":"pay-88213"},"verdict":"hold","scorePoints":742,"signals":[{"detector":"velocity","code":"velocity","points":742,"features":[{"name":"country","value":-3,"unit":"code","text":"é \\"\\\\","fromMs":0,"toMs":600000,"exact":true}],"threshold":{"value":40,"unit":"payments"},"historyCount":41},{"detector":"liveness","code":"liveness","points":-1,"features":[{"name":"count","value":0,"unit":"checks","exact":false}],"historyCount":0}],"combinations":[{"code":"both","points":5,"of":["velocity","liveness"]}],"reasonCodes":["velocity"],"facts":[{"kind":"random-challenge","keyToken":"a-0293","sourceStream":"","sourceRevision":-1}],"ladderBefore":"none","ladderAfter":"challenged"}',
    ],
    [
      'DecisionMade with no evidence',
      PLAIN_DECISION,
      '{"decisionId":"8be23f37-3dc6-5e4a-bfb2-b796d51fd431","sequence":10,"eventId":"0192f3c4-5b6a-7c8d-9e0f-a1b2c3d4e5f6","accountId":"a-0293","eventTimeMs":1778697618000,"subject":{"topic":"payments","businessId":"pay-88213"},"verdict":"hold","scorePoints":742,"signals":[],"combinations":[],"reasonCodes":[],"facts":[],"ladderBefore":"none","ladderAfter":"challenged"}',
    ],
  ])('%s, which is JSON in UTF-8', (_name, decision, text) => {
    expect(Buffer.from(encodeLedgerJson('DecisionMade', decision)).toString()).toBe(text)
    const back = validateLedgerJson('DecisionMade', JSON.parse(text))
    expect(back).toMatchObject({ kind: 'accepted', event: decision })
  })
})
