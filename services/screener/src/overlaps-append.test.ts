import type { InputBatch } from '@riskledger/screening'
import { overlapsAppend } from './overlaps-append'

type Item = InputBatch['items'][number]

function items(count: number, record: { readonly orderTimeMs?: number; readonly bytes?: number } = {}): Item[] {
  const { orderTimeMs, bytes = 100 } = record
  return Array.from({ length: count }, () => ({ record: { orderTimeMs, value: new Uint8Array(bytes) } }) as Item)
}

test.each([
  ['one live input', items(1), 4_096, false],
  ['999 live inputs', items(999), 4_096, false],
  ['1,000 live inputs', items(1_000), 4_096, true],
  ['128 KiB of live inputs', items(256, { bytes: 512 }), 4_096, true],
  ['less than that', items(255, { bytes: 512 }), 4_096, false],
  ['as many live inputs as a batch may hold', items(4), 4, true],
  ['one less', items(3), 4, false],
  ['an input of a file, live ones behind it', [...items(1, { orderTimeMs: 7 }), ...items(2)], 4_096, true],
  ['no input', [], 4_096, true],
])('behind %s', (_, batch, batchInputs, overlaps) => {
  expect(overlapsAppend({ items: batch }, batchInputs)).toBe(overlaps)
})
