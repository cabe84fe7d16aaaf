import type { EventTopic } from '@riskledger/contracts'
import { loadEvent } from './kafka-events'

const PLAN = { accounts: 1_000, partitionCount: 2, run: 1 }

/** Topics of ten passes over the accounts, by account. */
function topicsByAccount(): Map<string, EventTopic[]> {
  const topics = new Map<string, EventTopic[]>()
  for (let number = 0; number < 10 * PLAN.accounts; number++) {
    const { key, topic } = loadEvent(number, 0, PLAN)
    const account = Buffer.from(key).toString()
    topics.set(account, [...(topics.get(account) ?? []), topic])
  }
  return topics
}

function shares(topics: readonly EventTopic[]): Partial<Record<EventTopic, number>> {
  const counts: Partial<Record<EventTopic, number>> = {}
  for (const topic of topics) counts[topic] = (counts[topic] ?? 0) + 1 / topics.length
  return counts
}

const SHARES = { payments: expect.closeTo(0.6, 9), logins: expect.closeTo(0.3, 9), 'p2p-trades': expect.closeTo(0.1, 9) }

test('every account has payments, logins and trades, in the shares of the whole', () => {
  const topics = topicsByAccount()
  expect(shares([...topics.values()].flat())).toEqual(SHARES)
  for (const own of topics.values()) expect(shares(own)).toEqual(SHARES)
})

test('the first pass holds every account once', () => {
  const accounts = Array.from({ length: PLAN.accounts }, (_, number) => Buffer.from(loadEvent(number, 0, PLAN).key).toString())
  expect(new Set(accounts).size).toBe(PLAN.accounts)
})
