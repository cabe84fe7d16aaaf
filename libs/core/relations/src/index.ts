export * from './facts'
export { hashSpan, hashToken } from './token-hash'
export { fingerprint, fingerprintEvent, fingerprintEventAt } from './event-fingerprint'
export { CLEARED, FRAUD, LEGITIMATE, LabelQueue, PENDING, type LabelQueueOptions } from './label-queue'
export { COUNTERPARTY_ROWS, DEVICE_ROWS, type FactRows } from './fact-rows'
export { blankCounterpartyFact, decodeCounterpartyFact, decodeDeviceFact, encodeCounterpartyFact, encodeDeviceFact } from './fact-codec'
export { RELATIONS_TOPICS, countsForRelations, type CountedStatus } from './counted-inputs'
export {
  DEFAULT_RELATIONS_OPTIONS,
  RelationsState,
  relationsOptions,
  type ChangedFact,
  type RelationsCounters,
  type RelationsInput,
  type RelationsOptions,
  type StateParameters,
} from './relations-state'
export { MAX_BLOCK } from './input-keys'
