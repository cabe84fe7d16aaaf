import { threadModule } from '@riskledger/runtime'

export { runDispatcher } from './run-dispatcher'
export type { DispatcherCrashPoint, DispatcherOptions } from './dispatch-partition'
export type { StartFrom } from './begin-position'
export type { MessageBatch } from './make-messages'
export { openPositionFiles, type DispatchPosition, type PositionStore } from './dispatch-position'
export type { OutgoingMessage, PublishedAt, PublishedTail, Publisher } from './publisher'
export { BATCH_HEADER, DECISION_HEADER, ENTRY_HEADER, EVENT_HEADER, ID_HEADER, REVISION_HEADER, STREAM_HEADER } from './message-headers'
export type { DispatcherThreadInput } from './thread'

/** The module that `startThread` runs as the dispatcher thread. */
export const DISPATCHER_THREAD = threadModule(__dirname, { source: 'thread.ts', bundled: 'dispatcher-thread' })
