import { concatMap, from, type OperatorFunction } from 'rxjs'
import { emptyInput, type ChainHead, type Gap, type TopicPosition } from '@riskledger/journal'
import { accountEnd, accountStart } from './admit'
import { BatchBuilder, type SealedBatch } from './batch-builder'
import { emptyInputToScreen, type ChallengeDraw, type InputToScreen, type ScreeningStep } from './screening-step'
import type { MergeItem } from './topic-merge'
import { TOUCH_AHEAD } from './touch-ahead'

/** Inputs of one partition in the order in which they are taken, and what their batch records beside them. */
export interface InputBatch {
  readonly items: readonly MergeItem[]
  readonly gaps: readonly Gap[]
  /** Wall time that the batch records; undefined: the order time that its inputs reached. */
  readonly tickMs: number | undefined
}

/** What the stage stands on: the state that it alone mutates, and the shell's ports. */
export interface ScreeningStage {
  readonly step: ScreeningStep
  /** Head of the journal, moved with every batch sealed. */
  head: ChainHead
  /** Next offset of each topic, moved with every input. */
  readonly nextOffsets: number[]
  readonly engineHash: string
  readonly draw: ChallengeDraw
  /** Called before each input, so that facts of the right epoch are known to it. */
  readonly beforeInput: (item: MergeItem) => void
}

/**
 * RxJS operator: screens batches of inputs and gives out sealed batches, each one append.
 *
 * ```
 * in    [i1 i2 i3]────────[i4 … i9]──────────────▶
 *            screenBatches(stage)
 * out   {i1 i2 i3}────────{i4 … i7}{i8 i9}───────▶    a batch is closed by its bytes
 * ```
 *
 * Each batch runs through synchronously; the pace is the caller's, who pushes the next batch once the last is appended. The state belongs to
 * `stage`, not to the operator: after an error drop both and fold the journal again. Bad input is a value (quarantined), never an error.
 */
export function screenBatches(stage: ScreeningStage): OperatorFunction<InputBatch, SealedBatch> {
  const reused = { builder: new BatchBuilder(), inputs: Array.from({ length: TOUCH_AHEAD }, emptyInputToScreen) }
  return concatMap((batch) => from(screenOne(stage, reused, batch)))
}

/** What the operator uses again from batch to batch; none of it is state. */
interface Reused {
  readonly builder: BatchBuilder
  readonly inputs: readonly InputToScreen[]
}

function screenOne(stage: ScreeningStage, reused: Reused, batch: InputBatch): SealedBatch[] {
  const { step, nextOffsets } = stage
  const { builder, inputs } = reused
  const sealed: SealedBatch[] = []
  const out = emptyInput()
  let fromOffsets = [...nextOffsets]
  let firstSequence = step.nextSequence
  let gapsAhead = batch.gaps
  const close = (isLast: boolean): void => {
    // Not before: what the batch still holds may be behind it.
    if (isLast && batch.tickMs !== undefined) step.tick(batch.tickMs)
    // Those before an input of this batch, each in the batch whose positions cover it: an append may be the last one before a crash.
    const gaps = gapsAhead.filter(({ topic, fromOffset }) => fromOffset < nextOffsets[topic])
    if (gaps.length > 0) gapsAhead = gapsAhead.filter(({ topic, fromOffset }) => fromOffset >= nextOffsets[topic])
    const one = builder.close(firstSequence, {
      previous: stage.head,
      tickMs: step.tickMs,
      positions: positionsBetween(fromOffsets, nextOffsets),
      gaps,
      engineHash: stage.engineHash,
      policyHash: step.policyHash,
    })
    stage.head = one.head
    sealed.push(one)
    fromOffsets = [...nextOffsets]
    firstSequence = step.nextSequence
  }
  const { items } = batch
  for (let from = 0; from < items.length; from += TOUCH_AHEAD) {
    const count = Math.min(TOUCH_AHEAD, items.length - from)
    for (let i = 0; i < count; i++) fill(inputs[i], items[from + i], step)
    step.readAhead(inputs, count)
    for (let i = 0; i < count; i++) {
      stage.beforeInput(items[from + i])
      const decision = step.screen(inputs[i], out, stage.draw)
      builder.add(out, step.facts.listed, decision)
      if (step.answer !== null) builder.addAnswer(step.answer)
      nextOffsets[inputs[i].topic] = inputs[i].offset + 1
      if (builder.full) close(from + i === items.length - 1)
    }
  }
  for (const gap of gapsAhead) nextOffsets[gap.topic] = Math.max(nextOffsets[gap.topic], gap.toOffset)
  if (builder.inputCount > 0 || sealed.length === 0 || gapsAhead.length > 0) close(true)
  return sealed
}

function fill(input: InputToScreen, item: MergeItem, step: ScreeningStep): void {
  const { record } = item
  input.topic = step.identity.topics.indexOf(record.topic)
  input.offset = record.offset
  input.brokerTimeMs = record.brokerTimeMs
  input.orderLagMs = record.orderTimeMs === undefined ? null : record.orderTimeMs - record.brokerTimeMs
  input.value = record.value
  // Of a record that holds no event this says nothing, and nobody asks.
  input.keyMismatch = !keyMatches(record.key, record.value)
}

function keyMatches(key: Uint8Array | null, value: Uint8Array): boolean {
  const start = accountStart(value)
  if (key === null || accountEnd(value) - start !== key.length) return false
  for (let i = 0; i < key.length; i++) if (key[i] !== value[start + i]) return false
  return true
}

function positionsBetween(from: readonly number[], to: readonly number[]): TopicPosition[] {
  const positions: TopicPosition[] = []
  for (let topic = 0; topic < to.length; topic++) {
    if (to[topic] !== from[topic]) positions.push({ topic, fromOffset: from[topic], toOffset: to[topic] })
  }
  return positions
}
