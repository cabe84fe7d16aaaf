import { createHash } from 'node:crypto'
import fc from 'fast-check'
import type { EventTopic } from '@riskledger/contracts'
import type { RawEvents } from '@riskledger/events'
import { viewOf } from '@riskledger/events/src/testing/view-of'
import type { Outcome, P2pTrade } from '@riskledger/events'
import { MAX_BLOCK } from './input-keys'
import { DEFAULT_RELATIONS_OPTIONS, RelationsState, type RelationsInput } from './relations-state'
import { HOUR, NOON, alert, login, outcome, payment, trade } from './testing/events'

const LABELS: readonly Outcome['label'][] = ['fraud', 'counterfeit', 'legitimate', 'chargeback', 'false-positive']
const PHASES: readonly P2pTrade['phase'][] = ['opened', 'completed', 'disputed', 'cancelled']

function eventIdOf(i: number): string {
  return `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`
}

function paymentOf(i: number) {
  const counterpartyId = i % 5 === 0 ? 'a-shop-with-a-long-name' : `t-${(i * i) % 23}`
  const parties = { accountId: `c-${(i * 7) % 90}`, counterpartyId, deviceId: i % 3 === 0 ? `d-${i % 4}` : null }
  return { ...payment(NOON + i * HOUR, { ...parties, paymentId: `p${i % 1_900}` }), eventId: eventIdOf(i) }
}

/** What happens in hour `i`: a payment, and now and then something of every other kind. */
type Told = Omit<RelationsInput, 'event'> & { readonly event: RawEvents[EventTopic] }

function inputsOf(i: number): Told[] {
  const streamTimeMs = NOON + i * HOUR
  const screened = { status: 'screened', habitDistanceCenti: null, streamTimeMs } as const
  const observed = { status: 'observed', habitDistanceCenti: i % 4 === 0 ? null : i % 400, streamTimeMs } as const
  const { accountId, counterpartyId, deviceId } = paymentOf(i)
  const inputs: Told[] = [{ ...screened, topic: 'payments', event: paymentOf(i) }]
  if (i % 11 === 0) {
    const traded = trade(streamTimeMs, { accountId, counterpartyId, deviceId, tradeId: `t${i}`, phase: PHASES[i % 4] })
    inputs.push({ ...screened, topic: 'p2p-trades', event: { ...traded, eventId: eventIdOf(100_000 + i) } })
  }
  // Labels for what was paid just now, 100 hours ago, 200 (after its delay) and 800 (when it is forgotten), some of them twice.
  if (i % 6 === 0) {
    const subject = paymentOf(Math.max(0, i - [0, 100, 200, 200, 800][(i / 6) % 5]))
    inputs.push({ ...observed, topic: 'outcomes', event: outcome(streamTimeMs, subject, { label: LABELS[((i / 6) % 7) % 5] }) })
  }
  if (i % 17 === 0) {
    const told = { counterpartyId, severity: i % 1_000, provider: `w${i % 3}`, result: i % 2 === 0 ? 'hit' : 'clear' } as const
    inputs.push({ ...observed, topic: 'risk-alerts', event: alert(streamTimeMs, told) })
  }
  if (i % 7 === 0) inputs.push({ ...screened, topic: 'logins', event: login(streamTimeMs, { deviceId: `d-${i % 5}`, accountId }) })
  return inputs
}

test('2,000 hours of every kind of input fold to the facts and the state that they always did', () => {
  const state = new RelationsState()
  const facts = createHash('sha256')
  let changes = 0
  for (let i = 0; i < 2_000; i++) {
    for (const input of inputsOf(i)) {
      state.advance(input.streamTimeMs)
      state.observe({ ...input, event: viewOf(input.topic, input.event as never) })
    }
    if (i % 24 !== 0) continue
    for (const { kind, key, value } of state.takeChanged()) {
      facts.update(`${kind} ${key} `).update(value)
      changes++
    }
  }
  const hash = Buffer.from(state.canonicalHash(NOON + 2_000 * HOUR)).toString('hex')
  expect({ changes, facts: facts.digest('hex'), hash, ...state.counters }).toEqual({
    changes: 1_115,
    facts: 'efba916a2a514f0f71ee28308069fda92594593c370d3728b4b6363bfc550b94',
    hash: 'e2f849b3beccad2ffdc211a3f8627f06a9ca54d87218170e922be961eb532eb2',
    counterpartiesRefused: 0,
    devicesRefused: 0,
    outcomesSuperseded: 42,
    outcomesUnmatched: 42,
    alertsForgotten: 0,
  })
})

const told: RelationsInput[] = Array.from({ length: 1_000 }, (_, i) => inputsOf(i))
  .flat()
  .map((input) => ({ ...input, event: viewOf(input.topic, input.event as never) }))

/** All there is to see of a state once it took `told` in: in blocks of these sizes, in turn, or one by one. */
function seenAfter(limits: { readonly maxKeys: number; readonly maxRemembered: number }, blocks: readonly number[] | null) {
  const state = new RelationsState({ ...DEFAULT_RELATIONS_OPTIONS, ...limits })
  if (blocks === null) {
    for (const input of told) {
      state.advance(input.streamTimeMs)
      state.observe(input)
    }
  } else {
    for (let from = 0, block = 0; from < told.length; block++) {
      const inputs = told.slice(from, from + blocks[block % blocks.length])
      state.fold(inputs, inputs.length)
      from += inputs.length
    }
  }
  const facts = state.takeChanged().map(({ kind, key, value }) => `${kind} ${key} ${Buffer.from(value).toString('hex')}`)
  return { facts, counters: state.counters, early: state.queue.forgottenEarly, hash: Buffer.from(state.canonicalHash(NOON + 1_000 * HOUR)) }
}

test.each([
  { maxKeys: 1_000, maxRemembered: 1_000 },
  { maxKeys: 20, maxRemembered: 1_000 },
  { maxKeys: 3, maxRemembered: 40 },
])('inputs in blocks of any sizes fold to what they fold to one by one, with room for %p', (limits) => {
  const oneByOne = seenAfter(limits, null)
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: MAX_BLOCK }), { minLength: 1, maxLength: 20 }), (blocks) => {
      expect(seenAfter(limits, blocks)).toEqual(oneByOne)
    }),
    { numRuns: 10 },
  )
})

test('no input at all is a block too', () => {
  const state = new RelationsState()
  state.fold(told, 0)
  expect(state.counterparties.size).toBe(0)
  expect(state.changedCount).toBe(0)
})
