export { aggregateWindows, type AggregateWindowsOptions } from './aggregate-windows'
export { ByteReader } from './byte-reader'
export { ByteMeter, ByteWriter, wordsOf } from './byte-writer'
export { DistinctRings, MAX_DISTINCT, type DistinctRingsOptions } from './distinct-rings'
export { MAX_BATCH, type EventSelectors } from './event-columns'
export { FingerprintIndex } from './fingerprint-index'
export { bytesOf, doublesOf, grown, growingArray } from './growing-array'
export { ASK_BY_TEXT } from './packed-keys'
export { KeyInterner, MAX_KEYS } from './key-interner'
export { KeyedRings, type KeyedRingsOptions } from './keyed-rings'
export { readKeyedRings, writeKeyedRings, writeSlotContent } from './keyed-rings-codec'
export { SlabPool } from './slab-pool'
export {
  EVENT_ACCEPTED,
  EVENT_LATE,
  EVENT_REJECTED,
  WindowBatch,
  type ClosedWindow,
  type Rejection,
  type RejectionReason,
} from './window-batch'
export {
  hoppingWindow,
  sessionWindow,
  slidingWindow,
  tumblingWindow,
  type AlignedWindow,
  type SessionWindow,
  type SlidingWindow,
  type WindowSpecification,
} from './window-specification'
export { WindowState, type WindowStateOptions } from './window-state'
