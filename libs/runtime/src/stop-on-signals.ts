/** A stop that the user or the system asked for. */
export interface StopOnSignals {
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal
  /** Takes the handlers away again. */
  readonly dispose: () => void
}

/**
 * Turns Ctrl-C and SIGTERM into an abort, so that loops drain and leave. After the first one the handlers are gone: a second Ctrl-C ends the
 * process at once, which loses nothing, because the journal is the only position.
 */
export function stopOnSignals(): StopOnSignals {
  const stopping = new AbortController()
  const dispose = (): void => {
    process.removeListener('SIGINT', stop)
    process.removeListener('SIGTERM', stop)
  }
  const stop = (): void => {
    dispose()
    stopping.abort()
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  return { signal: stopping.signal, dispose }
}
