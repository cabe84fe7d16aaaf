import { ByteReader, ByteWriter } from '@riskledger/windows'
import type { CounterpartyFact, DeviceFact } from './facts'

const HAS_LEGITIMATE = 1
const HAS_FRAUD = 2
const HAS_REPORTS = 4
const HAS_ALERT = 8
const HAS_KNOWN = 16

const writer = new ByteWriter(256)
const reader = new ByteReader(new Uint8Array(0))

/**
 * Bytes of a counterparty's fact, typically 20 to 32. Varints; times as distance before `asOfMs`:
 *
 * ```
 *   flags u8 | asOf | asOf - firstSeen (signed) | paymentCount | distinctPayers
 *   [known]       registerLength u8, known3d, known7d
 *   [legitimate]  asOf - last (a moment), total
 *   [fraud]       asOf - last (a moment: 0 never, else distance moved by one), total, register u8, frauds3d, frauds7d
 *   [reports]     completed, disputed, cancelled, chargebacks, counterfeits
 *   [alert]       severity
 * ```
 */
export function encodeCounterpartyFact(fact: CounterpartyFact): Uint8Array {
  const known = fact.fraudRegisterLength > 0 || fact.known3d > 0 || fact.known7d > 0
  const legitimate = fact.lastKnownLegitimateMs >= 0 || fact.legitimateTotal > 0
  const fraud = fact.lastKnownFraudMs >= 0 || fact.fraudTotal > 0 || fact.fraudRegister > 0 || fact.frauds3d > 0 || fact.frauds7d > 0
  const reports = fact.tradesCompleted + fact.tradesDisputed + fact.tradesCancelled + fact.chargebacks + fact.counterfeitReports > 0
  writer.reset()
  writer.u8(
    (legitimate ? HAS_LEGITIMATE : 0) |
      (fraud ? HAS_FRAUD : 0) |
      (reports ? HAS_REPORTS : 0) |
      (fact.alertSeverity >= 0 ? HAS_ALERT : 0) |
      (known ? HAS_KNOWN : 0),
  )
  writer.varint(fact.asOfMs)
  writer.signedVarint(fact.asOfMs - fact.firstSeenMs)
  writer.varint(fact.paymentCount)
  writer.varint(fact.distinctPayers)
  if (known) {
    writer.u8(fact.fraudRegisterLength)
    writer.varint(fact.known3d)
    writer.varint(fact.known7d)
  }
  if (legitimate) {
    writeMoment(fact.asOfMs, fact.lastKnownLegitimateMs)
    writer.varint(fact.legitimateTotal)
  }
  if (fraud) {
    writeMoment(fact.asOfMs, fact.lastKnownFraudMs)
    writer.varint(fact.fraudTotal)
    writer.u8(fact.fraudRegister)
    writer.varint(fact.frauds3d)
    writer.varint(fact.frauds7d)
  }
  if (reports) {
    writer.varint(fact.tradesCompleted)
    writer.varint(fact.tradesDisputed)
    writer.varint(fact.tradesCancelled)
    writer.varint(fact.chargebacks)
    writer.varint(fact.counterfeitReports)
  }
  if (fact.alertSeverity >= 0) writer.varint(fact.alertSeverity)
  return writer.finish()
}

// A moment that may be "never" (-1): 0 for never, else the distance before `asOfMs`, moved by one away from 0.
function writeMoment(asOfMs: number, timeMs: number): void {
  const distance = asOfMs - timeMs
  writer.signedVarint(timeMs < 0 ? 0 : distance >= 0 ? distance + 1 : distance)
}

function readMoment(asOfMs: number): number {
  const code = reader.signedVarint()
  return code === 0 ? -1 : asOfMs - (code > 0 ? code - 1 : code)
}

/**
 * The fact that `encodeCounterpartyFact` wrote; `into` is overwritten and returned where it is given, to spare a new object.
 * Throws `RiskError` `snapshot-unusable` on bytes that it cannot have written.
 */
export function decodeCounterpartyFact(bytes: Uint8Array, into: CounterpartyFact | null = null): CounterpartyFact {
  reader.rewind(bytes)
  const flags = reader.u8()
  if (flags > 31) reader.refuse(`a counterparty fact with flags ${flags}`)
  const asOfMs = reader.varint()
  const firstSeenMs = asOfMs - reader.signedVarint()
  const fact = into === null ? blankCounterpartyFact(firstSeenMs) : clear(into)
  fact.firstSeenMs = firstSeenMs
  fact.asOfMs = asOfMs
  fact.paymentCount = reader.varint()
  fact.distinctPayers = reader.varint()
  if (flags & HAS_KNOWN) {
    fact.fraudRegisterLength = reader.u8()
    fact.known3d = reader.varint()
    fact.known7d = reader.varint()
  }
  if (flags & HAS_LEGITIMATE) {
    fact.lastKnownLegitimateMs = readMoment(asOfMs)
    fact.legitimateTotal = reader.varint()
  }
  if (flags & HAS_FRAUD) {
    fact.lastKnownFraudMs = readMoment(asOfMs)
    fact.fraudTotal = reader.varint()
    fact.fraudRegister = reader.u8()
    fact.frauds3d = reader.varint()
    fact.frauds7d = reader.varint()
  }
  if (flags & HAS_REPORTS) {
    fact.tradesCompleted = reader.varint()
    fact.tradesDisputed = reader.varint()
    fact.tradesCancelled = reader.varint()
    fact.chargebacks = reader.varint()
    fact.counterfeitReports = reader.varint()
  }
  if (flags & HAS_ALERT) fact.alertSeverity = reader.varint()
  if (reader.remainingBytes > 0) reader.refuse('a counterparty fact with bytes behind it')
  return fact
}

/** Bytes of a device's fact, typically 10 to 15: asOf, asOf - firstSeen (signed), distinctAccounts, last fraud as a moment. */
export function encodeDeviceFact(fact: DeviceFact): Uint8Array {
  writer.reset()
  writer.varint(fact.asOfMs)
  writer.signedVarint(fact.asOfMs - fact.firstSeenMs)
  writer.varint(fact.distinctAccounts)
  writeMoment(fact.asOfMs, fact.lastKnownFraudMs)
  return writer.finish()
}

/** The fact that `encodeDeviceFact` wrote. Throws `RiskError` `snapshot-unusable` on bytes that it cannot have written. */
export function decodeDeviceFact(bytes: Uint8Array): DeviceFact {
  reader.rewind(bytes)
  const asOfMs = reader.varint()
  const firstSeenMs = asOfMs - reader.signedVarint()
  const distinctAccounts = reader.varint()
  const fact = { asOfMs, firstSeenMs, distinctAccounts, lastKnownFraudMs: readMoment(asOfMs) }
  if (reader.remainingBytes > 0) reader.refuse('a device fact with bytes behind it')
  return fact
}

/** What is known of a counterparty that was first seen now: nothing. */
export function blankCounterpartyFact(firstSeenMs: number): CounterpartyFact {
  return {
    asOfMs: firstSeenMs,
    firstSeenMs,
    paymentCount: 0,
    distinctPayers: 0,
    lastKnownLegitimateMs: -1,
    lastKnownFraudMs: -1,
    fraudRegister: 0,
    fraudRegisterLength: 0,
    frauds3d: 0,
    known3d: 0,
    frauds7d: 0,
    known7d: 0,
    fraudTotal: 0,
    legitimateTotal: 0,
    tradesCompleted: 0,
    tradesDisputed: 0,
    tradesCancelled: 0,
    chargebacks: 0,
    counterfeitReports: 0,
    alertSeverity: -1,
  }
}

/** Back to what `blankCounterpartyFact` makes, but for the times that every fact sets. */
function clear(fact: CounterpartyFact): CounterpartyFact {
  fact.lastKnownLegitimateMs = -1
  fact.lastKnownFraudMs = -1
  fact.fraudRegister = 0
  fact.fraudRegisterLength = 0
  fact.frauds3d = 0
  fact.known3d = 0
  fact.frauds7d = 0
  fact.known7d = 0
  fact.fraudTotal = 0
  fact.legitimateTotal = 0
  fact.tradesCompleted = 0
  fact.tradesDisputed = 0
  fact.tradesCancelled = 0
  fact.chargebacks = 0
  fact.counterfeitReports = 0
  fact.alertSeverity = -1
  return fact
}
