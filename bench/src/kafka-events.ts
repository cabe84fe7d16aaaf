import { partitionFor, type EventTopic } from '@riskledger/contracts'
import { encodeRaw } from '@riskledger/events'

/** An event ready to be published. */
export interface LoadEvent {
  readonly topic: EventTopic
  readonly partition: number
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** What events of the load are made from. */
export interface LoadPlan {
  readonly accounts: number
  readonly partitionCount: number
  /** Makes the ids of one run different from those of another. */
  readonly run: number
  /** Whether each record ends in the middle of its event's id, so that it is refused. */
  readonly cutShort?: boolean
}

const COUNTERPARTIES = 5_000
/** In the middle of the id. */
const CUT_SHORT_BYTES = 18

/**
 * The event with this number: of ten, six payments, three logins and a trade, of accounts that take turns in an order that jumps about; ten turns of an account
 * have the same shares. Each keeps its amount, its device and its place. `eventTimeMs` is whatever the caller means by it.
 */
export function loadEvent(number: number, eventTimeMs: number, plan: LoadPlan): LoadEvent {
  // Steps of a prime visit every account before they come back to one.
  const account = (number * 7_919) % plan.accounts
  const accountId = `a-${account}`
  const key = Buffer.from(accountId)
  const partition = partitionFor(key, plan.partitionCount)
  const eventId = `${plan.run.toString(16).padStart(8, '0')}-0000-4000-8000-${number.toString(16).padStart(12, '0')}`
  const { topic, value } = eventOf({ eventId, accountId, eventTimeMs }, { account, number, accounts: plan.accounts })
  return { topic, partition, key, value: plan.cutShort === true ? value.subarray(0, CUT_SHORT_BYTES) : value }
}

function eventOf(head: Head, { account, number, accounts }: Place & { readonly accounts: number }): Pick<LoadEvent, 'topic' | 'value'> {
  // A step further in each pass over the accounts: with the number alone, an account would have events of one kind only.
  const kind = (number + Math.floor(number / accounts)) % 10
  if (kind < 6) return { topic: 'payments', value: payment(head, { account, number }) }
  if (kind < 9) return { topic: 'logins', value: login(head, { account, number }) }
  return { topic: 'p2p-trades', value: trade(head, { account, number, accounts }) }
}

/** A copy that shares its memory with others: one of its own costs more than the event. */
function pooled(bytes: Uint8Array): Uint8Array {
  return Buffer.from(bytes)
}

interface Head {
  readonly eventId: string
  readonly accountId: string
  readonly eventTimeMs: number
}
interface Place {
  readonly account: number
  readonly number: number
}

function payment(head: Head, { account, number }: Place): Uint8Array {
  const amountMinor = 1_000 + ((account * 37 + number) % 9_000)
  return pooled(
    encodeRaw('payments', {
      eventId: head.eventId,
      accountId: head.accountId,
      eventTimeMs: head.eventTimeMs,
      source: 'load',
      paymentId: `p-${number}`,
      kind: 'purchase',
      phase: 'requested',
      direction: 'debit',
      amountMinor,
      currency: 'USD',
      amountReferenceMinor: amountMinor,
      counterpartyId: `m-${(account * 13 + (number % 7)) % COUNTERPARTIES}`,
      counterpartyKind: 'merchant',
      method: 'card',
      payerNameMatch: 'match',
      deviceId: `d-${account}`,
      countryCode: 'JP',
    }),
  )
}

function login(head: Head, { account, number }: Place): Uint8Array {
  return pooled(
    encodeRaw('logins', {
      eventId: head.eventId,
      accountId: head.accountId,
      eventTimeMs: head.eventTimeMs,
      source: 'load',
      loginId: `l-${number}`,
      outcome: 'success',
      authMethods: ['passkey'],
      deviceId: `d-${account}`,
      sessionId: `s-${number}`,
      ipToken: `ip-${account}`,
      countryCode: 'JP',
      networkClass: 'residential',
    }),
  )
}

function trade(head: Head, { account, number, accounts }: Place & { readonly accounts: number }): Uint8Array {
  const fiatMinor = 20_000 + ((account * 53 + number) % 30_000)
  return pooled(
    encodeRaw('p2p-trades', {
      eventId: head.eventId,
      accountId: head.accountId,
      eventTimeMs: head.eventTimeMs,
      source: 'load',
      tradeId: `t-${number}`,
      side: 'buy',
      phase: 'opened',
      counterpartyId: `a-${(account + 1) % accounts}`,
      asset: 'BTC',
      assetQuantityUnits: '100000',
      assetScale: 8,
      fiatMinor,
      currency: 'USD',
      amountReferenceMinor: fiatMinor,
      paymentMethod: 'bank-transfer',
      payerNameMatch: 'match',
    }),
  )
}
