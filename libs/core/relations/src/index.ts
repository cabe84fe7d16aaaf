export * from './facts'
export { hashSpan, hashToken } from './token-hash'
export { fingerprint, fingerprintEvent, fingerprintEventAt } from './event-fingerprint'
export { CLEARED, FRAUD, LEGITIMATE, LabelQueue, PENDING, type LabelQueueOptions } from './label-queue'
export { COUNTERPARTY_ROWS, DEVICE_ROWS, type FactRows } from './fact-rows'
export { blankCounterpartyFact, decodeCounterpartyFact, decodeDeviceFact, encodeCounterpartyFact, encodeDeviceFact } from './fact-codec'
export {
  DEFAULT_RELATIONS_OPTIONS,
  RelationsState,
  type ChangedFact,
  type RelationsCounters,
  type RelationsInput,
  type RelationsOptions,
} from './relations-state'
export { MAX_BLOCK } from './input-keys'
