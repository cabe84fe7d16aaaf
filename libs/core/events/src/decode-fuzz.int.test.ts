import { partitionFor } from '@riskledger/contracts'
import { QUARANTINE_REASONS, decodeRaw, encodeRaw, readUnparsable, type QuarantineReason } from './index'
import { mutateRecord, type MutatedRecord } from './testing/mutate-record'

const RECORDS = 200_000
/** Found by the screening step, which knows key, partition and broker time. */
const OUTSIDE_THE_BYTES: readonly QuarantineReason[] = ['key-mismatch', 'mispartitioned', 'future-event']

function outcomeOf(record: MutatedRecord): QuarantineReason | 'none' {
  if (record.topic === 'unparsable') return readUnparsable(record.value).reason
  const decoded = decodeRaw(record.topic, record.value)
  return decoded.kind === 'decoded' ? 'none' : decoded.reason
}

describe('200,000 mutated records', () => {
  it('each end decoded or refused, for the reason that was planted, and every reason is met', () => {
    const met = new Map<string, number>()
    const surprises: string[] = []
    for (let seed = 0; seed < RECORDS; seed++) {
      const record = mutateRecord(seed)
      const outcome = outcomeOf(record)
      met.set(outcome, (met.get(outcome) ?? 0) + 1)
      const { expected } = record
      if (expected === null) continue
      const wanted = OUTSIDE_THE_BYTES.includes(expected as QuarantineReason) ? 'none' : expected
      if (outcome !== wanted) surprises.push(`seed ${seed}: ${outcome} instead of ${wanted}`)
    }
    expect(surprises).toEqual([])
    const fromBytes = QUARANTINE_REASONS.filter((reason) => !OUTSIDE_THE_BYTES.includes(reason))
    expect(fromBytes.filter((reason) => !met.has(reason))).toEqual([])
    expect(met.get('none')).toBeGreaterThan(1000)
  }, 120_000)

  it('hold what they promise beside the bytes: keys, partitions and times', () => {
    const seen = new Set<string>()
    for (let seed = 0; seed < 20_000; seed++) {
      const record = mutateRecord(seed)
      if (record.topic === 'unparsable' || record.expected === null) continue
      const decoded = decodeRaw(record.topic, record.value)
      if (decoded.kind === 'rejected') continue
      seen.add(record.expected)
      const { accountId, eventTimeMs } = decoded.event
      const key = record.key === null ? null : new TextDecoder().decode(record.key)
      expect(key === accountId).toBe(record.expected !== 'key-mismatch')
      expect(record.partitionShift === 1).toBe(record.expected === 'mispartitioned')
      expect(eventTimeMs > record.brokerTimeMs + 300_000).toBe(record.expected === 'future-event')
      if (record.key !== null) expect(partitionFor(record.key, 4)).toBeLessThan(4)
    }
    expect([...seen].sort()).toEqual(['future-event', 'key-mismatch', 'mispartitioned', 'none'])
  })

  it('are the same for the same seed', () => {
    for (let seed = 0; seed < 200; seed++) expect(mutateRecord(seed)).toEqual(mutateRecord(seed))
  })

  it('decode to what encodes to the same meaning again', () => {
    for (let seed = 0; seed < 20_000; seed++) {
      const { topic, value } = mutateRecord(seed)
      if (topic === 'unparsable') continue
      const decoded = decodeRaw(topic, value)
      if (decoded.kind === 'decoded') expect(decodeRaw(topic, encodeRaw(topic, decoded.event))).toEqual(decoded)
    }
  })
})
