import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { of } from 'rxjs'
import { RAW_TOPICS, type EventTopic, type LogRecord, type RawTopic, type RecordedEntry } from '@riskledger/contracts'
import { encodeLedgerJson, encodeRaw, type RawInputs } from '@riskledger/events'
import { contentTypeOf, emptyHead, openEntry, sealEntry, ZERO_HASH, type OpenedEntry, type UnsealedEntry } from '@riskledger/journal'
import { parsePolicy, type AcceptedPolicy } from '@riskledger/policy'
import { generateScenario, type ScenarioOptions } from '@riskledger/simulation'
import { JournalFold } from '../journal-fold'
import { screenBatches, type InputBatch, type ScreeningStage } from '../screen-batches'
import { ScreeningStep, type ChallengeDraw, type PartitionIdentity } from '../screening-step'
import type { MergeItem } from '../topic-merge'

export const STREAM = 'screening-000.0000'
const ENGINE = 'e'.repeat(64)
export const IDENTITY: PartitionIdentity = {
  partition: 0,
  partitionCount: 1,
  topics: RAW_TOPICS,
  dedupeKey: Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex'),
}

const DEFAULT = readFileSync(join(__dirname, '../../../../../policies/default.yaml'), 'utf8')

/** The default policy with some of its text replaced. */
export function policyWith(replace: readonly (readonly [RegExp, string])[] = []): AcceptedPolicy {
  const text = replace.reduce((yaml, [from, to]) => yaml.replace(from, to), DEFAULT)
  const result = parsePolicy(text)
  if (result.kind === 'rejected') throw new Error(result.problems[0].message)
  return result
}

/** A live record of an event, its broker time its event time. */
export function liveRecord<T extends EventTopic>(topic: T, event: RawInputs[T], offset: number, part: Partial<LogRecord> = {}): LogRecord {
  const value = encodeRaw(topic, event).slice()
  const { accountId, eventTimeMs } = event as { accountId: string; eventTimeMs: number }
  return { topic, partition: 0, offset, brokerTimeMs: eventTimeMs, orderTimeMs: undefined, key: Buffer.from(accountId), value, ...part }
}

/** A scenario as the records of one partition, in the order of the file: file records with order times, or live ones. */
export function scenarioRecords(options: ScenarioOptions, kindOf: (index: number) => 'file' | 'live' = () => 'file'): LogRecord[] {
  const offsets = new Map<RawTopic, number>()
  const records: LogRecord[] = []
  let orderTimeMs = 0
  for (const item of generateScenario(options)) {
    const topic: RawTopic = item.kind === 'raw' ? 'unparsable' : item.topic
    const offset = offsets.get(topic) ?? 0
    offsets.set(topic, offset + 1)
    const at = { topic, partition: 0, offset }
    const live = kindOf(records.length) === 'live'
    if (item.kind === 'raw') {
      records.push({
        ...at,
        brokerTimeMs: orderTimeMs,
        orderTimeMs: live ? undefined : orderTimeMs,
        key: null,
        value: Buffer.from(item.line),
      })
      continue
    }
    orderTimeMs = Math.max(orderTimeMs, item.event.eventTimeMs)
    const value: Uint8Array = encodeRaw(item.topic, item.event as unknown as RawInputs[EventTopic]).slice()
    const brokerTimeMs = live ? item.event.eventTimeMs + 250 : item.event.eventTimeMs
    records.push({ ...at, brokerTimeMs, orderTimeMs: live ? undefined : orderTimeMs, key: Buffer.from(item.event.accountId), value })
  }
  return records
}

/** A partition that screens without a shell: what it appends is kept as the entries of its journal. */
export class MadeJournal {
  readonly entries: OpenedEntry[] = []
  readonly recorded: RecordedEntry[] = []
  readonly step: ScreeningStep
  readonly stage: ScreeningStage
  readonly policies = new Map<string, AcceptedPolicy>()
  beforeInput: (item: MergeItem) => void = () => undefined

  constructor(options: { readonly policy: AcceptedPolicy; readonly draw?: ChallengeDraw; readonly identity?: PartitionIdentity }) {
    const identity = options.identity ?? IDENTITY
    this.step = new ScreeningStep(identity)
    this.stage = {
      step: this.step,
      head: emptyHead(STREAM),
      nextOffsets: identity.topics.map(() => 0),
      engineHash: ENGINE,
      draw: options.draw ?? (() => null),
      beforeInput: (item) => this.beforeInput(item),
    }
    this.append(
      json('SegmentOpened', {
        partition: identity.partition,
        segment: 0,
        partitionCount: identity.partitionCount,
        topics: [...identity.topics],
        nextOffsets: identity.topics.map(() => 0),
        previousStream: null,
        previousEntryHash: null,
        stateHash: ZERO_HASH,
        stateArtifact: null,
        dedupeKey: Buffer.from(identity.dedupeKey).toString('hex'),
        environment: null,
      }),
    )
    this.beginTenure(1)
    this.activate(options.policy)
  }

  /** `told`: the hash of the state as the tenure's entry has it. */
  beginTenure(generation: number, told = this.step.policyHash === ZERO_HASH ? ZERO_HASH : this.step.stateHash()): void {
    this.append(json('TenureBegan', { workerId: 'w-1', generation, engineHash: ENGINE, stateHash: told, recordsAnswers: true }))
    this.step.beginTenure(told)
  }

  attest(generation: number, stateHash: string): void {
    this.append(json('StateAttested', { generation, stateHash }))
  }

  activate(policy: AcceptedPolicy): void {
    this.policies.set(policy.hash, policy)
    this.append(json('PolicyActivated', { policyHash: policy.hash, mode: 'live', approvers: [] }))
    this.step.activate(policy)
  }

  screen(batch: InputBatch): void {
    of(batch)
      .pipe(screenBatches(this.stage))
      .subscribe((sealed) => {
        for (const proposed of sealed.entries) this.keep({ ...proposed, stream: STREAM, revision: this.recorded.length, createdMs: 0 })
      })
  }

  /** A fold of the journal, of all its entries or those given. */
  fold(entries: readonly OpenedEntry[] = this.entries, onEntry?: (fold: JournalFold, entry: OpenedEntry) => void): JournalFold {
    const fold = new JournalFold(STREAM)
    for (const entry of entries) {
      fold.apply(entry, (hash) => this.policyOf(hash))
      onEntry?.(fold, entry)
    }
    fold.finish()
    return fold
  }

  policyOf(hash: string): AcceptedPolicy {
    const policy = this.policies.get(hash)
    if (policy === undefined) throw new Error(`no policy ${hash}`)
    return policy
  }

  private append(entry: UnsealedEntry): void {
    const sealed = sealEntry(this.stage.head, entry)
    this.stage.head = sealed.head
    this.keep({ ...sealed.proposed, stream: STREAM, revision: sealed.head.revision, createdMs: 0 })
  }

  private keep(recorded: RecordedEntry): void {
    const previous = this.entries.at(-1)?.head ?? emptyHead(STREAM)
    const opened = openEntry(previous, recorded)
    if (opened.kind === 'faulty') throw new Error(opened.reason)
    this.recorded.push(recorded)
    this.entries.push(opened.entry)
  }
}

/** The entries from `at` on, sealed again after one of them was changed: a journal with a whole chain that says something else. */
export function reseal(
  entries: readonly OpenedEntry[],
  at: number,
  change: (entry: OpenedEntry) => { data: Uint8Array } | null,
): OpenedEntry[] {
  const result = entries.slice(0, at)
  for (let index = at; index < entries.length; index++) {
    const changed = index === at ? change(entries[index]) : { data: entries[index].data }
    if (changed === null) continue
    const { type, metadata } = entries[index]
    const head = result.at(-1)?.head ?? emptyHead(STREAM)
    const deflated = metadata.encoding === undefined ? {} : { deflated: deflateRawSync(changed.data) }
    const sealed = sealEntry(head, { type, contentType: contentTypeOf(type), data: changed.data, ...deflated, metadata })
    const opened = openEntry(head, { ...sealed.proposed, stream: STREAM, revision: sealed.head.revision, createdMs: 0 })
    if (opened.kind === 'faulty') throw new Error(opened.reason)
    result.push(opened.entry)
  }
  return result
}

function json(type: Parameters<typeof encodeLedgerJson>[0], content: object): UnsealedEntry {
  const data = encodeLedgerJson(type, content as never)
  return { type, contentType: 'json', data, metadata: { engineHash: ENGINE, policyHash: ZERO_HASH } }
}
