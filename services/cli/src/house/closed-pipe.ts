let watched = false

/**
 * Keeps a reader that goes away (`| head`) from ending the process with a stack trace: what is printed from then on is dropped, and what runs until it
 * is told to stop is told so.
 */
export function endQuietlyOnClosedPipe(): void {
  if (watched) return
  watched = true
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    if (process.listenerCount('SIGTERM') > 0) process.emit('SIGTERM', 'SIGTERM')
  })
}
