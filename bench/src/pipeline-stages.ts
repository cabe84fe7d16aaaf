import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RAW_TOPICS, type EventLog, type EventTopic } from '@riskledger/contracts'
import { compilePolicy, newScoreCard, score } from '@riskledger/detectors'
import { EventViews, type RawViews } from '@riskledger/events'
import { importFiles, parseMapping } from '@riskledger/files'
import { parsePolicy, type AcceptedPolicy } from '@riskledger/policy'
import { ProfileStore } from '@riskledger/profiles'
import { RelationsState, type RelationsInput } from '@riskledger/relations'
import { installationRoot } from '@riskledger/runtime'
import { TOUCH_AHEAD, TopicMerge, type MergeItem, type SealedBatch } from '@riskledger/screening'
import { cpuNanos } from './cpu-nanos'
import { MemoryLog, UnkeptLog } from './memory-log'
import { measureAppend } from './pipeline-append'
import { screenAll } from './pipeline-screen'

/** CPU nanoseconds an input, by what they are spent on; each stage alone on one thread and in memory, but for `append`. */
export interface StageNanos {
  /** File to framed Avro records: read, split, map, encode. */
  readonly parse: number
  readonly decode: number
  /** Windows, habits, labels, devices: an account's features. */
  readonly windows: number
  readonly detectors: number
  /** Status and dedupe, merge, journal encoding of the input and its facts. */
  readonly encode: number
  /** Deflate, SHA-256 and sealing of whole batches. */
  readonly hash: number
  /** The sealed batches into the embedded ledger: client, loopback, server thread, durable write. */
  readonly append: number
  /** The fold of relations, in its own thread in the product. */
  readonly relations: number
}

/** Measures the stages over a file of payments, each in a pass of its own; a stage's cost is its pass less what the pass before did. */
export async function measureStages(file: string, mappingFile: string): Promise<StageNanos> {
  const mapping = parseMapping(readFileSync(mappingFile, 'utf8'))
  if (mapping.kind === 'rejected') throw new Error(`${mappingFile} is rejected`)
  const policy = parsePolicy(readFileSync(join(installationRoot(), 'policies', 'default.yaml'), 'utf8'))
  if (policy.kind === 'rejected') throw new Error('the default policy is rejected')
  const log = new MemoryLog()
  const importInto = (into: EventLog): Promise<unknown> =>
    importFiles({ files: [file], mapping: mapping.mapping, log: into, startedAtMs: Date.now() })
  const parse = await cpuNanos(() => importInto(new UnkeptLog()))
  await importInto(log)
  let items: MergeItem[] = []
  const merge = await cpuNanos(() => {
    items = mergeAll(log)
  })
  const count = items.length
  const decode = await cpuNanos(() => {
    const views = new EventViews()
    for (const { record } of items) views.read(record.topic as EventTopic, record.value)
  })
  // By turns and the better of two: what the compiler takes, and a slow moment of the machine, are not the detectors'.
  let windows = Infinity
  let both = Infinity
  for (let turn = 0; turn < 2; turn++) {
    windows = Math.min(windows, await cpuNanos(() => profilesOnly(items, policy, false)))
    both = Math.min(both, await cpuNanos(() => profilesOnly(items, policy, true)))
  }
  let close = 0
  let batches: readonly SealedBatch[] = []
  const whole = await cpuNanos(() => ({ close, batches } = screenAll(items, policy)))
  const append = await measureAppend(batches)
  const relations = await cpuNanos(() => foldRelations(items))
  const per = (nanos: number): number => Math.max(0, Math.round(nanos / count))
  return {
    parse: per(parse),
    decode: per(decode),
    windows: per(windows - decode),
    detectors: per(both - windows),
    encode: per(whole - both - close + merge),
    hash: per(close),
    append: per(append),
    relations: per(relations - decode),
  }
}

function mergeAll(log: MemoryLog): MergeItem[] {
  const merge = new TopicMerge(RAW_TOPICS.length)
  for (const [index, topic] of RAW_TOPICS.entries()) merge.offer(index, log.records.get(topic)!)
  const items: MergeItem[] = []
  for (let topic = merge.first(Infinity); topic >= 0; topic = merge.first(Infinity)) items.push(merge.take(topic))
  return items
}

function profilesOnly(items: readonly MergeItem[], policy: AcceptedPolicy, withDetectors: boolean): void {
  const profiles = new ProfileStore(policy.policy.state)
  const compiled = compilePolicy(policy.policy)
  const card = newScoreCard()
  const context = { late: false, facts: { counterparty: () => undefined, device: () => undefined } }
  const slots = new Int32Array(TOUCH_AHEAD)
  forEachBlock(items, (block, events) => {
    for (const [index, event] of events.entries()) slots[index] = profiles.slotAhead(event, index)
    profiles.touch(slots, events.length)
    for (const [index, event] of events.entries()) {
      const { topic, brokerTimeMs } = block[index].record
      profiles.advance(brokerTimeMs)
      const features = profiles.observe(topic as EventTopic, event, context)
      if (withDetectors && features !== null) score(features, compiled, card)
    }
  })
}

/** The items in blocks as the product takes them, with their events; all are of this bench's making, so all can be read. */
function forEachBlock(
  items: readonly MergeItem[],
  visit: (block: readonly MergeItem[], events: readonly RawViews[EventTopic][]) => void,
): void {
  const views = Array.from({ length: TOUCH_AHEAD }, () => new EventViews())
  for (let from = 0; from < items.length; from += TOUCH_AHEAD) {
    const block = items.slice(from, from + TOUCH_AHEAD)
    visit(
      block,
      block.map(({ record }, index) => views[index].read(record.topic as EventTopic, record.value)!),
    )
  }
}

function foldRelations(items: readonly MergeItem[]): void {
  const state = new RelationsState()
  let epoch = 0
  forEachBlock(items, (block, events) => {
    const inputs = block.map(({ record }, index): RelationsInput => {
      const topic = record.topic as EventTopic
      const status = topic === 'payments' ? 'screened' : 'observed'
      return { topic, event: events[index], status, habitDistanceCenti: null, streamTimeMs: record.brokerTimeMs }
    })
    state.fold(inputs, inputs.length)
    const now = Math.floor(block[0].record.brokerTimeMs / 3_600_000)
    if (now !== epoch) state.takeChanged()
    epoch = now
  })
}
