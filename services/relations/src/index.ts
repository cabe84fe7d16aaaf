import { threadModule } from '@riskledger/runtime'

export { runRelations, type RelationsOptions } from './run-relations'
export type { RelationsThreadInput } from './thread'

/** The module that `startThread` runs as the relations thread. */
export const RELATIONS_THREAD = threadModule(__dirname, { source: 'thread.ts', bundled: 'relations-thread' })
