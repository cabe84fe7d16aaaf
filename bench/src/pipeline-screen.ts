import { RAW_TOPICS } from '@riskledger/contracts'
import { emptyHead, emptyInput, ZERO_HASH } from '@riskledger/journal'
import type { AcceptedPolicy } from '@riskledger/policy'
import {
  BatchBuilder,
  emptyInputToScreen,
  ScreeningStep,
  TOUCH_AHEAD,
  type InputToScreen,
  type MergeItem,
  type SealedBatch,
} from '@riskledger/screening'

/** Batches that hold all inputs, and the CPU nanoseconds that were spent in closing them. */
export interface ScreenedAll {
  readonly close: number
  readonly batches: readonly SealedBatch[]
}

/** The step and the batches as the worker makes them: each closed once it is full, and the last one at the end. */
export function screenAll(items: readonly MergeItem[], policy: AcceptedPolicy): ScreenedAll {
  const step = new ScreeningStep({ partition: 0, partitionCount: 1, topics: RAW_TOPICS, dedupeKey: Buffer.alloc(16, 7) })
  step.activate(policy)
  const builder = new BatchBuilder()
  const out = emptyInput()
  let head = emptyHead('bench')
  let first = 1
  let close = 0
  const batches: SealedBatch[] = []
  const closeBatch = (): void => {
    const before = process.cpuUsage()
    const closing = { previous: head, tickMs: step.tickMs, positions: [], gaps: [], engineHash: ZERO_HASH, policyHash: ZERO_HASH }
    const closed = builder.close(first, closing)
    const { user, system } = process.cpuUsage(before)
    close += (user + system) * 1000
    batches.push(closed)
    head = closed.head
    first = step.nextSequence
  }
  const inputs = Array.from({ length: TOUCH_AHEAD }, emptyInputToScreen)
  for (let index = 0; index < items.length; index++) {
    const inBlock = index % TOUCH_AHEAD
    if (inBlock === 0) {
      const count = Math.min(TOUCH_AHEAD, items.length - index)
      for (let i = 0; i < count; i++) fill(inputs[i], items[index + i])
      step.readAhead(inputs, count)
    }
    const decision = step.screen(inputs[inBlock], out, () => null)
    builder.add(out, step.facts.listed, decision)
    if (builder.full) closeBatch()
  }
  if (builder.inputCount > 0) closeBatch()
  return { close, batches }
}

function fill(input: InputToScreen, { record }: MergeItem): void {
  input.topic = RAW_TOPICS.indexOf(record.topic)
  input.offset = record.offset
  input.brokerTimeMs = record.brokerTimeMs
  input.orderLagMs = 0
  input.value = record.value
}
