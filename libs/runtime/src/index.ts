export { aborted } from './aborted'
export { assertNotRetrying } from './assert-not-retrying'
export { OTHER_VARIABLES, SETTINGS, type Settings, type SettingSpecification } from './settings'
export { loadConfiguration, type Configuration, type ConfigurationInputs } from './load-configuration'
export { createLogger, type LoggerOptions } from './create-logger'
export { openEventLog, type LogAddress, type OpenEventLogOptions, type SharedEventLog } from './open-event-log'
export { createMetrics, type MetricsOptions, type MetricsRegistry } from './create-metrics'
export { METRICS } from './metric-meanings'
export { serveHealth, type HealthAddress, type HealthServer, type ServeHealthOptions } from './serve-health'
export { checkHealth, type HealthCheck, type HealthFinding, type HealthOptions, type HealthReport } from './check-health'
export { PROCESS_TIMERS, startLoop, type Loop, type LoopOptions, type LoopRetry, type LoopTimers } from './start-loop'
export { crashPointFrom } from './crash-point'
export { stopOnSignals, type StopOnSignals } from './stop-on-signals'
export { lowerPriority } from './lower-priority'
export { lockDataFolder, readLock, LOCK_FOLDER, type DataFolderLock, type LockOwner } from './lock-data-folder'
export {
  checkDataFolder,
  openDataFolder,
  readDataFolder,
  DATA_FOLDER_FILE,
  DATA_FOLDER_FORMAT,
  DEV_BROKER_FOLDER,
  type DataFolder,
} from './data-folder-format'
export { installationRoot, threadModule } from './module-path'
export { loadThread, startThread, type LoadingThread, type Thread, type ThreadOptions } from './start-thread'
export { HandOver } from './hand-over'
export { readAhead } from './read-ahead'
export { runThread, type ThreadContext } from './run-thread'
export { fromPlainError, toPlainError, type PlainError } from './thread-protocol'
export { loggedRetry } from './logged-retry'
export { withRetry, type RetryOptions, type WithRetryOptions } from './with-retry'
export { withoutUserInfo } from './without-user-info'
export { writeFileDurably } from './write-file-durably'
