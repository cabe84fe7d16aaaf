import { createHash } from 'node:crypto'
import { readUnparsable, validateRaw } from '@riskledger/events'
import { generateScenario, planScenario, SCENARIO_START_MS } from './generate-scenario'
import { formatScenarioItem, type ScenarioItem, type ScenarioLabel } from './scenario-item'
import { DAY_MS } from './stage'

type EventItem = Extract<ScenarioItem, { readonly kind: 'event' }>

const all = [...generateScenario()]
const events = all.filter((item): item is EventItem => item.kind === 'event')
const labels = events.flatMap((item) => item.label ?? [])
const small = { accounts: 60, days: 10 } as const

function textOf(items: Iterable<ScenarioItem>): string {
  const hash = createHash('sha256')
  for (const item of items) hash.update(`${formatScenarioItem(item)}\n`)
  return hash.digest('hex')
}

function signsOf(name: ScenarioLabel['name']): EventItem[] {
  return events.filter((item) => item.label?.name === name && item.label.role === 'sign')
}

describe('the default scenario', () => {
  test('has about 40,000 events over 500 accounts', () => {
    expect(all.length).toBeGreaterThan(37_000)
    expect(all.length).toBeLessThan(43_000)
    expect(new Set(events.filter((item) => item.topic === 'account-profiles').map((item) => item.event.accountId)).size).toBe(500)
  })

  test('every event is valid by its schema, and eight lines are meant not to be screened', () => {
    for (const { topic, event } of events) {
      const checked = validateRaw(topic, event)
      if (checked.kind === 'rejected') throw new Error(`${topic}: ${checked.problems.map(({ message }) => message).join('; ')}`)
    }
    const raw = all.flatMap((item) => (item.kind === 'raw' ? [item.line] : []))
    const reasons = raw.map((line) => readUnparsable(Buffer.from(line)))
    expect(raw).toHaveLength(8)
    // The one that is dated 2090 is a whole event; it is refused for its time.
    expect(reasons.filter(({ detail }) => detail.includes('is a valid event'))).toHaveLength(1)
  })

  test('comes in the order of its events, but for what is late or comes twice', () => {
    let streamMs = 0
    let behind = 0
    let late = 0
    for (const { event } of events) {
      if (event.eventTimeMs < streamMs) behind++
      if (event.eventTimeMs < streamMs - 3_600_000) late++
      streamMs = Math.max(streamMs, event.eventTimeMs)
    }
    expect(behind).toBeGreaterThan(60)
    expect(behind).toBeLessThan(160)
    expect(late).toBeGreaterThanOrEqual(25)
    expect(late).toBeLessThanOrEqual(35)
    expect(streamMs).toBeLessThan(SCENARIO_START_MS + 31 * DAY_MS + DAY_MS / 4)
  })

  test('repeats some events byte for byte and contradicts a few', () => {
    const seen = new Map<string, string>()
    let same = 0
    let other = 0
    for (const item of events) {
      const line = formatScenarioItem(item)
      const first = seen.get(item.event.eventId)
      if (first === undefined) seen.set(item.event.eventId, line)
      else if (first === line) same++
      else other++
    }
    expect(same).toBeGreaterThanOrEqual(12)
    expect(other).toBeGreaterThanOrEqual(1)
  })

  test('plants the founding cases with the signs that tell them', () => {
    expect(signsOf('large-night-purchase').map(({ event }) => [event.amountMinor, event.method])).toEqual([[300_000, 'third-party']])
    const [purchase] = signsOf('large-night-purchase')
    const local = new Date(purchase.event.eventTimeMs + (purchase.event.utcOffsetMinutes as number) * 60_000)
    expect(local.toISOString().slice(11, 19)).toBe('02:40:18')
    const alert = events.find((item) => item.topic === 'risk-alerts' && item.event.subjectEventId === purchase.event.eventId)
    expect(purchase.event.eventTimeMs - (alert?.event.eventTimeMs ?? 0)).toBe(7000)

    expect(signsOf('stolen-phone').map((item) => item.topic)).toEqual(['logins', 'p2p-trades', 'payments'])
    const disputes = events.filter((item) => item.label?.name === 'dirty-money' && item.event.phase === 'disputed')
    expect(disputes).toHaveLength(14)
    expect(signsOf('dirty-money').every(({ event }) => event.payerNameMatch === 'mismatch')).toBe(true)

    const tests = signsOf('card-testing').map(({ event }) => event)
    expect(tests).toHaveLength(40)
    expect(tests[39].eventTimeMs - tests[0].eventTimeMs).toBeLessThan(600_000)
    expect(new Set(tests.map((event) => event.counterpartyId)).size).toBe(33)
  })

  test('has 25 honest oddities, all on the day of trouble', () => {
    const oddities = labels.filter((label) => label.kind === 'oddity')
    expect(new Set(oddities.map((label) => label.id)).size).toBe(25)
    const first = Math.min(...events.filter((item) => item.label?.kind === 'oddity').map((item) => item.event.eventTimeMs))
    expect(first).toBeGreaterThanOrEqual(SCENARIO_START_MS + 30 * DAY_MS)
    const rents = events.filter((item) => item.event.kind === 'transfer' && item.label?.name === 'monthly-rent')
    for (const { event } of rents) {
      const before = events.filter((item) => item.event.accountId === event.accountId && item.event.counterpartyId === event.counterpartyId)
      expect(before.map((item) => item.event.amountMinor)).toEqual([event.amountMinor, event.amountMinor])
    }
  })
})

describe('the seed', () => {
  test('alone determines the scenario', () => {
    expect(textOf(generateScenario({ ...small, seed: 3 }))).toBe(textOf(generateScenario({ ...small, seed: 3 })))
    expect(textOf(generateScenario({ ...small, seed: 3 }))).not.toBe(textOf(generateScenario({ ...small, seed: 4 })))
  })

  test('of every value plants every case and oddity once', () => {
    for (let seed = 0; seed < 12; seed++) {
      const found = new Map<string, Set<string>>()
      for (const item of generateScenario({ ...small, seed })) {
        if (item.kind !== 'event' || item.label?.role !== 'sign') continue
        const { id, accountId, kind, name } = item.label
        if (kind === 'case' && name === 'dirty-money') continue
        found.set(id, (found.get(id) ?? new Set()).add(accountId))
      }
      expect(found.size).toBe(4 + 6)
      expect([...found.values()].every((accounts) => accounts.size === 1)).toBe(true)
    }
  })

  test('options outside of their limits are refused by name', () => {
    expect(() => planScenario({ accounts: 10 })).toThrow('accounts is 10; it must be an integer from 60')
    expect(() => planScenario({ days: 1.5 })).toThrow('days is 1.5')
    expect(() => planScenario({ startMs: 5 })).toThrow('midnight')
    expect(() => planScenario({ accounts: 60, oddities: 40 })).toThrow('too many')
  })
})
