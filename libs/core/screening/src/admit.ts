import { partitionFor, type EventTopic } from '@riskledger/contracts'
import { decodeRaw, readUnparsable, spanLength, spanStart, type QuarantineReason, type RawViews } from '@riskledger/events'
import type { JournaledInput } from '@riskledger/journal'
import type { InputToScreen, ScreeningStep } from './screening-step'

/** Start of the account id's length in a framed record: after the 10-byte header and the 16 bytes of the event id. */
const ACCOUNT_AT = 26

interface Admission {
  readonly input: InputToScreen
  readonly out: JournaledInput
  readonly sequence: number
}

/**
 * Gives an input its status: quarantined with its reason, duplicate or conflicting with the sequence of the first, late with its age, else
 * screened or observed. Returns the event where it goes on to the profiles (`late` ones for what needs no window), else null.
 * Moves the step's stream time and its memory of event ids.
 */
export function admit(step: ScreeningStep, { input, out, sequence }: Admission): RawViews[EventTopic] | null {
  const topic = step.identity.topics[input.topic]
  if (input.value === null || out.body === null) return quarantine(out, 'oversized')
  if (topic === 'unparsable') return quarantine(out, readUnparsable(input.value).reason)
  if (input.schemaUnknown) return quarantine(out, 'unknown-schema')
  const event = input.ahead >= 0 ? step.ahead.eventOf(input.ahead) : step.views.read(topic, input.value)
  if (event === null) return quarantine(out, refusalOf(topic, input.value))
  if (input.keyMismatch) return quarantine(out, 'key-mismatch')
  // A length written in more bytes than it needs would make the checks below look at the wrong ones.
  const start = accountStart(input.value)
  const end = accountEnd(input.value)
  if (spanStart(event.accountIdSpan) !== start || spanLength(event.accountIdSpan) !== end - start) return quarantine(out, 'hostile-id')
  const { partition, partitionCount } = step.identity
  if (partitionCount > 1 && partitionFor(accountBytes(input.value), partitionCount) !== partition) return quarantine(out, 'mispartitioned')
  const eventTimeMs = event.eventTimeMs
  const { maxSkewMs, graceMs, dedupeHorizonMs, dedupeMaxIdsPerAccount, dedupeMaxIds } = step.policy.state
  if (eventTimeMs > input.brokerTimeMs + maxSkewMs) return quarantine(out, 'future-event')

  // Its own time counts too: an event that leads stream time is remembered from there, the partition's first not from 1970.
  const streamTimeMs = eventTimeMs > step.streamTimeMs ? eventTimeMs : step.streamTimeMs
  step.memory.expire(step.streamTimeMs, dedupeHorizonMs)
  const seen = step.memory.look(
    input.value,
    { topic: input.topic, accountStart: start, accountEnd: end, sequence, streamTimeMs, ahead: input.ahead },
    { horizonMs: dedupeHorizonMs, maxIdsPerAccount: dedupeMaxIdsPerAccount, maxIds: dedupeMaxIds },
  )
  if (seen === 'duplicate' || seen === 'conflicting') {
    out.status = seen
    out.firstSequence = step.memory.firstSequence
    return null
  }
  if (seen === 'unchecked') {
    out.dedupeUnchecked = true
    step.dedupeUncheckedCount++
  }
  step.streamTimeMs = streamTimeMs
  if (eventTimeMs < step.streamTimeMs - graceMs) {
    out.status = 'late'
    out.lateByMs = step.streamTimeMs - eventTimeMs
  } else {
    out.status = topic === 'payments' || topic === 'logins' || topic === 'p2p-trades' ? 'screened' : 'observed'
  }
  return event
}

/** Why `decodeRaw` rejects what the views could not read. */
function refusalOf(topic: EventTopic, value: Uint8Array): QuarantineReason {
  const decoded = decodeRaw(topic, value)
  return decoded.kind === 'rejected' ? decoded.reason : 'invalid-value'
}

/** The account id's bytes of a framed, decoded record. */
export function accountBytes(value: Uint8Array): Uint8Array {
  return value.subarray(accountStart(value), accountEnd(value))
}

/** Where they begin: the length before them is a zig-zag varint of one byte, or of two past 63. */
export function accountStart(value: Uint8Array): number {
  return value[ACCOUNT_AT] >= 128 ? ACCOUNT_AT + 2 : ACCOUNT_AT + 1
}

/** Where they end. */
export function accountEnd(value: Uint8Array): number {
  const low = value[ACCOUNT_AT]
  const zigzag = low >= 128 ? (low & 127) | (value[ACCOUNT_AT + 1] << 7) : low
  return accountStart(value) + (zigzag >> 1)
}

function quarantine(out: JournaledInput, reason: QuarantineReason): null {
  out.status = 'quarantined'
  out.reason = reason
  return null
}
