export { MemoryLedger } from './memory-ledger'
export { MemoryEventLog } from './memory-event-log'
export { KeptLogger, NO_METRICS } from './quiet'
export { FaultProxy, type ProxyFault } from './fault-proxy'
