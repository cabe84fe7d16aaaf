export { connectLedger, type ConnectLedgerOptions } from './connect-ledger'
