import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parsePolicy } from '@riskledger/policy'
import { installationRoot } from '@riskledger/runtime'
import type { MergeItem } from '@riskledger/screening'
import { loadEvent } from './kafka-events'
import { screenAll } from './pipeline-screen'

const START_MS = Date.parse('2026-01-01T00:00:00Z')

function items(count: number): MergeItem[] {
  return Array.from({ length: count }, (_, number) => {
    const atMs = START_MS + number
    const { topic, key, value } = loadEvent(number, atMs, { accounts: 100, partitionCount: 1, run: 1 })
    const record = { topic, partition: 0, offset: number, brokerTimeMs: atMs, orderTimeMs: undefined, key, value }
    return { record, eventTimeMs: atMs, orderTimeMs: atMs }
  })
}

test.each([5, 4_000])('the batches hold all of %p inputs, the last one too, which is not full', (count) => {
  const policy = parsePolicy(readFileSync(join(installationRoot(), 'policies', 'default.yaml'), 'utf8'))
  if (policy.kind === 'rejected') throw new Error('the default policy is rejected')
  const { batches } = screenAll(items(count), policy)
  expect(batches.reduce((sum, { inputCount }) => sum + inputCount, 0)).toBe(count)
  expect(batches.length > 1).toBe(count > 5)
})
