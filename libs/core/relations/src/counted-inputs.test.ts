import { RAW_TOPICS } from '@riskledger/contracts'
import { countsForRelations } from './counted-inputs'

const counted = (status: Parameters<typeof countsForRelations>[1]) => RAW_TOPICS.filter((topic) => countsForRelations(topic, status)).sort()

test('what was accepted counts, where its topic tells of counterparties or devices', () => {
  const telling = ['logins', 'outcomes', 'p2p-trades', 'payments', 'risk-alerts']
  expect(counted('screened')).toEqual(telling)
  expect(counted('observed')).toEqual(telling)
})

test('of what is late, reports alone', () => {
  expect(counted('late')).toEqual(['outcomes', 'risk-alerts'])
})

test.each(['duplicate', 'conflicting', 'quarantined'] as const)('nothing %s counts', (status) => {
  expect(counted(status)).toEqual([])
})
