import type { InputBatch } from '@riskledger/screening'

/** From so many live inputs, or bytes of them, on, screening the next batch is worth more than what it would make the inputs of the batch after it wait. */
const OVERLAP_INPUTS = 1_000
const OVERLAP_BYTES = 128 * 1024

/**
 * Whether the next batch is screened while this one is appended: where it holds a file's input, for which nobody waits; where it holds no inputs, and only tells of
 * progress, gaps or a policy; and where it holds 1,000 live inputs, or 128 KiB of them, or as many as a batch may where that is fewer. Behind any other, what comes meanwhile
 * would wait for two appends instead of one.
 */
export function overlapsAppend({ items }: Pick<InputBatch, 'items'>, batchInputs: number): boolean {
  if (items.length === 0 || items.length >= Math.min(OVERLAP_INPUTS, batchInputs)) return true
  let bytes = 0
  for (const { record } of items) {
    if (record.orderTimeMs !== undefined) return true
    bytes += record.value.length
  }
  return bytes >= OVERLAP_BYTES
}
