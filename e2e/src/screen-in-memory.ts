import { RAW_TOPICS, type InputStatus, type LogRecord, type RawTopic, type Verdict } from '@riskledger/contracts'
import { encodeRaw, EventViews, parseNdjsonLine } from '@riskledger/events'
import { emptyInput, type JournaledInput } from '@riskledger/journal'
import type { AcceptedPolicy, Policy } from '@riskledger/policy'
import type { ScenarioItem } from '@riskledger/simulation'
import { countsForRelations, RelationsState, relationsOptions } from '@riskledger/relations'
import {
  ScreeningStep,
  TopicMerge,
  type ChallengeDraw,
  type DecisionDraft,
  type InputToScreen,
  type FactDesk,
  type KnownFact,
  type MergeItem,
} from '@riskledger/screening'

/** What was decided, without a journal around it. */
export interface InMemoryScreening {
  readonly inputs: number
  readonly statuses: Readonly<Record<InputStatus, number>>
  readonly verdicts: Readonly<Record<Verdict, number>>
  /** Those other than `allow`, in order. */
  readonly decisions: readonly DecisionDraft[]
}

/** How it is screened. */
export interface InMemoryOptions {
  readonly policy: AcceptedPolicy
  /** Default: nobody is drawn for a random challenge. */
  readonly draw?: ChallengeDraw
  /** When the import began, epoch milliseconds; what is dated later is refused as from the future. Default 2090-01-01 less a day. */
  readonly startedAtMs?: number
}

const DEFAULT_START_MS = Date.UTC(2089, 11, 31)
const KEY = new TextEncoder()
const EMPTY = new Uint8Array(0)

/**
 * Screens a scenario through the core alone, on one partition, by the rules of a file: the same order, statuses, facts by epoch and verdicts
 * as `riskledger screen` gives for its lines, without threads, log, ledger or disk. Holds all of it in memory.
 */
export function screenInMemory(items: Iterable<ScenarioItem>, options: InMemoryOptions): InMemoryScreening {
  const { policy } = options.policy
  const step = new ScreeningStep({ partition: 0, partitionCount: 1, topics: RAW_TOPICS, dedupeKey: new Uint8Array(16) })
  step.activate(options.policy)
  const known = new EpochFacts(policy, step.facts)
  const out = emptyInput()
  const draw = options.draw ?? (() => null)
  const decisions: DecisionDraft[] = []
  let inputs = 0
  for (const item of merged(items, options.startedAtMs ?? DEFAULT_START_MS)) {
    known.reach(item.orderTimeMs)
    const decision = step.screen(inputOf(item), out, draw)
    if (decision !== null) decisions.push(decision)
    known.learn(item, out)
    inputs++
  }
  return { inputs, statuses: { ...step.statusCounts }, verdicts: { ...step.verdictCounts }, decisions }
}

/** What relations learn in one epoch becomes known a fixed number of epochs later. */
class EpochFacts {
  private readonly views = new EventViews()
  private readonly state: RelationsState
  private waiting: { readonly epoch: number; readonly kind: 'counterparty' | 'device'; readonly key: string; readonly fact: KnownFact }[] =
    []
  private epoch = -1
  private streamTimeMs = 0

  constructor(
    private readonly policy: Policy,
    private readonly desk: FactDesk,
  ) {
    this.state = new RelationsState(relationsOptions(policy.state))
  }

  /** The file has been read up to this time: past epochs end, and what they taught in time becomes known. */
  reach(orderTimeMs: number): void {
    const { epochMs, visibilityLagEpochs } = this.policy.relations
    const epoch = Math.floor(orderTimeMs / epochMs)
    if (epoch === this.epoch) return
    this.endEpoch()
    this.epoch = epoch
    const through = epoch - 1 - visibilityLagEpochs
    for (const { kind, key, fact } of this.waiting.filter((one) => one.epoch <= through)) this.desk.offer(kind, key, fact)
    this.waiting = this.waiting.filter((one) => one.epoch > through)
  }

  learn(item: MergeItem, out: JournaledInput): void {
    const { topic } = item.record
    const { status } = out
    if (topic === 'unparsable' || !countsForRelations(topic, status)) return
    const event = this.views.read(topic, item.record.value)
    if (event === null) return
    if (event.eventTimeMs > this.streamTimeMs) this.streamTimeMs = event.eventTimeMs
    this.state.advance(this.streamTimeMs)
    this.state.observe({ topic, event, status, habitDistanceCenti: out.habitDistanceCenti, streamTimeMs: this.streamTimeMs })
  }

  private endEpoch(): void {
    if (this.epoch < 0) return
    for (const { kind, key, value } of this.state.takeChanged()) {
      const fact = { value, sourceStream: 'relations-000', sourceRevision: this.epoch }
      this.waiting.push({ epoch: this.epoch, kind, key, fact })
    }
  }
}

/** The items as records in the order in which a worker takes them. */
function* merged(items: Iterable<ScenarioItem>, startedAtMs: number): Generator<MergeItem, void, void> {
  const topics = new Map<RawTopic, LogRecord[]>(RAW_TOPICS.map((topic) => [topic, []]))
  let orderTimeMs = 0
  for (const item of items) {
    const bytes = item.kind === 'raw' ? KEY.encode(item.line) : EMPTY
    const parsed = item.kind === 'raw' ? parseNdjsonLine(bytes) : { ...item, kind: 'parsed' as const }
    if (parsed.kind === 'blank') continue
    let brokerTimeMs = orderTimeMs
    if (parsed.kind === 'parsed' && parsed.event.eventTimeMs <= startedAtMs + 300_000) {
      brokerTimeMs = Math.min(parsed.event.eventTimeMs, startedAtMs)
      orderTimeMs = Math.max(orderTimeMs, brokerTimeMs)
    }
    const topic = parsed.kind === 'parsed' ? parsed.topic : 'unparsable'
    const value = parsed.kind === 'parsed' ? encodeRaw(parsed.topic, parsed.event as never) : bytes
    const key = parsed.kind === 'parsed' ? KEY.encode(parsed.event.accountId) : null
    const records = topics.get(topic)!
    records.push({ topic, partition: 0, offset: records.length, brokerTimeMs, orderTimeMs, key, value })
  }
  const merge = new TopicMerge(RAW_TOPICS.length)
  for (const [index, topic] of RAW_TOPICS.entries()) merge.offer(index, topics.get(topic)!)
  for (let topic = merge.first(Infinity); topic >= 0; topic = merge.first(Infinity)) yield merge.take(topic)
}

function inputOf({ record }: MergeItem): InputToScreen {
  return {
    topic: RAW_TOPICS.indexOf(record.topic),
    offset: record.offset,
    brokerTimeMs: record.brokerTimeMs,
    orderLagMs: record.orderTimeMs === undefined ? null : record.orderTimeMs - record.brokerTimeMs,
    value: record.value,
    bodySha256: null,
    bodyLengthBytes: 0,
    keyMismatch: false,
    schemaUnknown: false,
    ahead: -1,
  }
}
