export { startLedgerServer, type LedgerServer, type LedgerServerOptions } from './ledger-server'
export type { LedgerCrashPoint } from './ledger-book'
export type { LedgerStorage, StoredAppend, WriteProgress } from './ledger-storage'
export { LmdbStorage, STORE_FORMAT, type LmdbStorageOptions } from './lmdb-storage'
