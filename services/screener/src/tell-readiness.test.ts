import { tellReadiness, type ReadinessOptions } from './tell-readiness'

const failing = { part: 'commit', sinceMs: 1_000, reason: 'the ledger does not answer' } as const

function told(changes: Partial<ReadinessOptions> & Partial<ReadinessOptions['workers']>): () => string {
  const { missing = [], running = new Map([[0, { retrying: null }]]), ...rest } = changes
  return () => tellReadiness({ isAssigned: true, workers: { missing, running }, partitionCount: 4, nowMs: 11_000, ...rest })
}

test('ready is who works all that it was given', () => {
  expect(told({})()).toBe('works 1 of 4 partitions')
  expect(told({ running: new Map() })()).toBe('works 0 of 4 partitions')
})

test('nobody is ready before it was given anything', () => {
  expect(told({ isAssigned: false })).toThrow('no partitions are assigned yet')
})

test('nobody is ready before it has taken over each of its partitions', () => {
  expect(told({ missing: [1, 3] })).toThrow('partitions 1, 3 are being taken over')
})

test('nobody is ready who has tried in vain for more than ten seconds', () => {
  const running = new Map([
    [0, { retrying: null }],
    [2, { retrying: failing }],
  ])
  expect(told({ running, nowMs: 11_000 })()).toBe('works 2 of 4 partitions')
  expect(told({ running, nowMs: 11_001 })).toThrow('partition 2: commit has failed for 10 s: the ledger does not answer')
})
