import { join } from 'node:path'

export { runRelations, type RelationsOptions } from './relations-worker'
export type { RelationsThreadInput } from './thread'

/** The module that `startThread` runs as the relations thread. */
export const RELATIONS_THREAD = join(__dirname, 'thread.ts')
