import { DAY, HOUR, NOON } from '@riskledger/relations/src/testing/events'
import { ByteReader, ByteWriter } from '@riskledger/windows'
import fc from 'fast-check'
import { INTEGERS, RowPages } from './account-rows'
import { AccountWindows, SWEEP_EVERY } from './account-windows'
import { blankFeatures } from './blank-features'
import type { Features } from './features'

const GRACE = HOUR
const ACCOUNTS = 4

function accountWindows(): AccountWindows {
  const integers = new RowPages(INTEGERS, (length) => new Uint32Array(length))
  for (let slot = 0; slot < 200; slot++) integers.addRow()
  return new AccountWindows(integers, { graceMs: GRACE, maxEventsPerKey: 8 })
}

const features = blankFeatures()

function pay(windows: AccountWindows, slot: number, eventTimeMs: number, amountMinor = 100): Features {
  features.eventTimeMs = eventTimeMs
  features.amountMinor = amountMinor
  windows.addPayment(slot, features, true)
  windows.read(slot, features)
  return features
}

function sweepAll(windows: AccountWindows, atMs: number): void {
  for (let i = 0; i < SWEEP_EVERY * ACCOUNTS; i++) windows.sweep(ACCOUNTS, atMs)
}

function contentOf(windows: AccountWindows, atMs: number): Uint8Array {
  const writer = new ByteWriter()
  for (let slot = 0; slot < ACCOUNTS; slot++) windows.writeContent(slot, atMs, writer)
  return writer.finish()
}

test('accounts that went quiet give their room back while others pay', () => {
  const windows = accountWindows()
  pay(windows, 199, NOON)
  const emptyBytes = windows.payments.usage.usedBytes
  for (let slot = 0; slot < 150; slot++) for (let i = 0; i < 8; i++) pay(windows, slot, NOON + i)
  const fullBytes = windows.payments.usage.usedBytes - emptyBytes
  for (let i = 0; i < SWEEP_EVERY * 200; i++) {
    pay(windows, 199, NOON + 61 * DAY + i)
    windows.sweep(200, NOON + 61 * DAY + i)
  }
  expect(windows.payments.usage.usedBytes - emptyBytes).toBeLessThan(fullBytes / 50)
})

test('the sweep goes on where it was after a snapshot', () => {
  const windows = accountWindows()
  for (let i = 0; i < SWEEP_EVERY * 3 + 5; i++) windows.sweep(ACCOUNTS, NOON)
  const writer = new ByteWriter()
  windows.write(writer)
  const bytes = writer.finish()
  const copy = accountWindows()
  copy.restore(new ByteReader(bytes))
  const again = new ByteWriter()
  copy.write(again)
  expect(again.finish()).toEqual(bytes)
})

const payments = fc.array(
  fc.record({
    slot: fc.nat(ACCOUNTS - 1),
    gapMs: fc.oneof(fc.constant(0), fc.nat(2 * HOUR), fc.nat(40 * DAY), fc.constantFrom(30 * DAY, 30 * DAY + GRACE, 5000 * DAY)),
    backMs: fc.oneof(fc.constant(0), fc.nat(GRACE)),
    amount: fc.oneof(fc.nat(1000), fc.maxSafeNat()),
  }),
  { maxLength: 60 },
)

test('no figure and no content depends on when accounts are swept', () => {
  fc.assert(
    fc.property(payments, (list) => {
      const swept = accountWindows()
      const unswept = accountWindows()
      let nowMs = NOON
      for (const { slot, gapMs, backMs, amount } of list) {
        nowMs += gapMs
        const expected = structuredClone(pay(unswept, slot, nowMs - backMs, amount))
        expect(structuredClone(pay(swept, slot, nowMs - backMs, amount))).toEqual(expected)
        sweepAll(swept, nowMs)
      }
      expect(contentOf(swept, nowMs)).toEqual(contentOf(unswept, nowMs))
    }),
  )
})
