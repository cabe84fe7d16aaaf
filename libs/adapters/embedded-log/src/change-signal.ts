import { BroadcastChannel } from 'node:worker_threads'

const POLL_MS = 20

/**
 * Wakes whoever waits for a change: at once when this process wrote, in whichever thread, and within 20 ms when another process did
 * (`readVersion` is asked again and again while somebody waits).
 */
export class ChangeSignal {
  private readonly channel: BroadcastChannel
  private readonly waiting = new Set<() => void>()
  private seenVersion: number

  constructor(
    name: string,
    private readonly readVersion: () => number,
  ) {
    this.channel = new BroadcastChannel(name)
    this.channel.onmessage = () => this.wake()
    this.channel.unref()
    this.seenVersion = readVersion()
  }

  /** Tells every thread of this process. */
  announce(): void {
    this.channel.postMessage(null)
    this.wake()
  }

  /** Resolves when the version differs from the one that the last wait ended with, or after `timeoutMs`, or when `signal` aborts. */
  wait(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true || this.hasChanged()) return Promise.resolve()
    return new Promise((resolve) => {
      const finish = (): void => {
        clearInterval(poll)
        clearTimeout(timeout)
        signal?.removeEventListener('abort', finish)
        this.waiting.delete(finish)
        resolve()
      }
      const poll = setInterval(() => this.wake(), POLL_MS)
      const timeout = setTimeout(finish, timeoutMs)
      signal?.addEventListener('abort', finish, { once: true })
      this.waiting.add(finish)
    })
  }

  close(): void {
    this.channel.close()
    for (const finish of [...this.waiting]) finish()
  }

  private wake(): void {
    if (this.waiting.size === 0 || !this.hasChanged()) return
    for (const finish of [...this.waiting]) finish()
  }

  private hasChanged(): boolean {
    const version = this.readVersion()
    if (version === this.seenVersion) return false
    this.seenVersion = version
    return true
  }
}
