import { partitionFor, type EventTopic, type ProposedRecord, type RawTopic } from '@riskledger/contracts'
import {
  encodeRaw,
  type LoginInput,
  type OutcomeInput,
  type P2pTradeInput,
  type PaymentInput,
  type RiskAlertInput,
} from '@riskledger/events'
import type { Random } from '@riskledger/simulation'
import { EPOCH_MS } from './small-policies'

/** Wall time at which every schedule begins. */
export const START_MS = Date.UTC(2026, 10, 1, 12)

/** What is published, in order. */
type FeedStep =
  | { readonly kind: 'record'; readonly record: ProposedRecord }
  | { readonly kind: 'gap'; readonly topic: RawTopic; readonly partition: number; readonly count: number; readonly reason: string }

/** How a file's inputs and live ones follow each other. */
export type FeedMode = 'live' | 'file' | 'file-then-live'

/** All that will be published in a schedule. */
export interface Feed {
  readonly mode: FeedMode
  readonly partitionCount: number
  readonly steps: readonly FeedStep[]
  /** Records of the file, which come first. */
  readonly fileRecords: number
}

const KEY = new TextEncoder()
const GAP_REASONS = ['transaction-marker', 'aborted', 'compacted'] as const
const ACCOUNTS = ['ann', 'bob', 'cid', 'dora', 'eve', 'finn']
const SHOPS = ['shop-1', 'shop-2', 'eve']
const DEVICES = ['device-1', 'device-2', 'device-3']

interface Draft {
  readonly topic: EventTopic
  readonly accountId: string
  readonly value: Uint8Array
  readonly eventId: string
}

/** Plans what is published: some dozens of events of six accounts, and among them what publishers get wrong. */
export function planFeed(
  random: Random,
  options: { readonly mode: FeedMode; readonly partitionCount: number; readonly records: number },
): Feed {
  const { mode, partitionCount, records } = options
  const steps: FeedStep[] = []
  const fileRecords = mode === 'live' ? 0 : mode === 'file' ? records : random.between(4, records - 4)
  const drafts: Draft[] = []
  let orderTimeMs = START_MS - 9 * EPOCH_MS
  let brokerMs = START_MS
  for (let i = 0; i < records; i++) {
    const inFile = i < fileRecords
    if (inFile) orderTimeMs = Math.min(START_MS, orderTimeMs + random.below(Math.floor((18 * EPOCH_MS) / fileRecords)))
    else brokerMs += random.below(60_000)
    const nowMs = inFile ? orderTimeMs : brokerMs
    const eventTimeMs = nowMs - eventLagMs(random)
    const draft = drafts.length > 2 && random.chance(60) ? random.pick(drafts) : draftEvent(random, eventTimeMs, drafts)
    drafts.push(draft)
    const brokerTimeMs = inFile ? Math.max(0, Math.min(eventTimeMs, nowMs)) : brokerMs
    const record = spoilt(
      random,
      {
        topic: draft.topic,
        partition: partitionFor(KEY.encode(draft.accountId), partitionCount),
        brokerTimeMs,
        orderTimeMs: inFile ? orderTimeMs : undefined,
        key: KEY.encode(draft.accountId),
        value: draft.value,
      },
      partitionCount,
    )
    steps.push({ kind: 'record', record })
    if (random.chance(90)) {
      const { topic, partition } = record
      steps.push({ kind: 'gap', topic, partition, count: random.between(1, 3), reason: random.pick(GAP_REASONS) })
    }
  }
  return { mode, partitionCount, steps, fileRecords }
}

/** Mostly seconds; some events come hours late, a few from the future. */
function eventLagMs(random: Random): number {
  const kind = random.below(20)
  if (kind === 0) return random.between(1, 4) * EPOCH_MS
  if (kind === 1) return -900_000
  return random.below(90_000)
}

/** What a publisher may get wrong: the key, the partition, the bytes. */
function spoilt(random: Random, record: ProposedRecord, partitionCount: number): ProposedRecord {
  switch (random.below(40)) {
    case 0:
      return { ...record, key: null }
    case 1:
      return { ...record, value: record.value.slice(0, random.below(record.value.length)) }
    case 2:
      return { ...record, partition: random.below(partitionCount) }
    case 3:
      return { ...record, topic: 'unparsable', key: null, value: KEY.encode(`not an event ${random.bits()}`) }
    default:
      return record
  }
}

function draftEvent(random: Random, eventTimeMs: number, earlier: readonly Draft[]): Draft {
  // Now and then an id that was used before, with other content.
  const eventId = earlier.length > 2 && random.chance(30) ? random.pick(earlier).eventId : random.uuid()
  const base = { eventId, accountId: random.pick(ACCOUNTS), eventTimeMs, source: 'simulated' }
  const made = makeEvent(random, base, earlier)
  return { topic: made.topic, accountId: base.accountId, eventId, value: encodeRaw(made.topic, made.event as never).slice() }
}

type Base = Pick<PaymentInput, 'eventId' | 'accountId' | 'eventTimeMs' | 'source'>

function makeEvent(random: Random, base: Base, earlier: readonly Draft[]): { readonly topic: EventTopic; readonly event: unknown } {
  switch (random.weighted([10, 5, 3, 3, 2])) {
    case 0:
      return { topic: 'payments', event: payment(random, base) }
    case 1:
      return { topic: 'logins', event: login(random, base) }
    case 2:
      return { topic: 'p2p-trades', event: trade(random, base) }
    case 3:
      return { topic: 'outcomes', event: outcome(random, base, earlier) }
    default:
      return { topic: 'risk-alerts', event: alert(random, base) }
  }
}

function payment(random: Random, base: Base): PaymentInput {
  const amountMinor = random.pick([300, 2_000, 9_000, 400_000])
  return {
    ...base,
    paymentId: `payment-${base.eventId}`,
    kind: 'purchase',
    phase: 'authorised',
    direction: 'debit',
    amountMinor,
    currency: 'USD',
    amountReferenceMinor: amountMinor,
    counterpartyId: random.pick(SHOPS),
    counterpartyKind: 'merchant',
    method: 'card',
    payerNameMatch: random.pick(['match', 'match', 'mismatch']),
    deviceId: random.pick(DEVICES),
    countryCode: random.pick(['DE', 'DE', 'IR']),
  }
}

function login(random: Random, base: Base): LoginInput {
  return {
    ...base,
    loginId: `login-${base.eventId}`,
    outcome: random.pick(['success', 'failed']),
    authMethods: ['password'],
    deviceId: random.pick(DEVICES),
    sessionId: 'session',
    ipToken: random.pick(['ip-1', 'ip-2']),
    networkClass: random.pick(['residential', 'tor']),
  }
}

function trade(random: Random, base: Base): P2pTradeInput {
  return {
    ...base,
    tradeId: `trade-${base.eventId}`,
    side: 'buy',
    phase: random.pick(['completed', 'disputed']),
    counterpartyId: random.pick(ACCOUNTS),
    asset: 'BTC',
    assetQuantityUnits: '100',
    assetScale: 8,
    fiatMinor: 5_000,
    currency: 'USD',
    amountReferenceMinor: 5_000,
    paymentMethod: 'bank-transfer',
    payerNameMatch: 'match',
    deviceId: random.pick(DEVICES),
  }
}

function outcome(random: Random, base: Base, earlier: readonly Draft[]): OutcomeInput {
  const subject = earlier.length > 0 ? random.pick(earlier).eventId : base.eventId
  return {
    ...base,
    outcomeId: `outcome-${base.eventId}`,
    subjectEventId: subject,
    subjectEventTimeMs: base.eventTimeMs - 60_000,
    label: random.pick(['fraud', 'fraud', 'legitimate', 'chargeback']),
    counterpartyId: random.pick(SHOPS),
    decidedBy: 'analyst',
    knownAtMs: base.eventTimeMs,
  }
}

function alert(random: Random, base: Base): RiskAlertInput {
  return {
    ...base,
    alertId: `alert-${base.eventId}`,
    provider: 'provider',
    kind: random.pick(['counterfeit', 'dirty-funds', 'other']),
    severity: random.pick([200, 600, 1_000]),
    counterpartyId: random.pick(SHOPS),
    providerReference: 'reference',
    result: random.pick(['hit', 'hit', 'clear']),
  }
}
