export { MemoryLedger } from './memory-ledger'
export { MemoryEventLog } from './memory-event-log'
export { screenInMemory, type InMemoryOptions, type InMemoryScreening } from './screen-in-memory'
export { KeptLogger, NO_METRICS } from './quiet'
