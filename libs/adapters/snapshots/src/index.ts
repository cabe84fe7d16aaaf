export { openSnapshotStore } from './snapshot-store'
export type { SnapshotStoreOptions } from './snapshot-store'
export { openDecisionIndex } from './decision-index'
export type { DecisionIndex, IndexedKey, JournalPosition } from './decision-index'
