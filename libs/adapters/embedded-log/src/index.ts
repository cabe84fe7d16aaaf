export { openEmbeddedLog } from './embedded-log'
export type { EmbeddedLogOptions } from './embedded-log'
export type { CrashPoint } from './log-writer'
