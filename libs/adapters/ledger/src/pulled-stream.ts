import { isClientCancellationError } from '@eventstore/db-client/dist/utils'
import { convertToCommandError } from '@eventstore/db-client'
import type { ReadMessage } from './read-message'

/** A read or a subscription, as far as it is used here. */
export interface ReadCall {
  read(): ReadMessage | null
  on(event: string, listener: (cause: Error) => void): unknown
  off(event: string, listener: (cause: Error) => void): unknown
  resume(): unknown
  cancel(): void
}

/**
 * Takes messages from a call one by one, as fast as the consumer asks and no faster, and lets the call end when the consumer leaves
 * early: a stream's own iterator then keeps the call open for ever, and with it the connection.
 */
export class PulledStream {
  /** Why the stream ended, where it did not end well. */
  failure: unknown
  private call: ReadCall | undefined
  private ended = false
  private left = false
  private wake: () => void = () => undefined

  constructor(private readonly opening: Promise<ReadCall>) {
    opening.then(
      (call) => this.attach(call),
      (cause: unknown) => this.end(cause),
    )
  }

  /** The next message; undefined at the end (see `failure`), and after `leave`. */
  async next(): Promise<ReadMessage | undefined> {
    for (;;) {
      if (this.left) return undefined
      const message = this.call?.read() ?? null
      if (message?.kind === 'not-found') this.failure = message.failure
      if (message !== null && message.kind !== 'other') return message
      if (message !== null) continue
      if (this.ended) return undefined
      await new Promise<void>((resolve) => (this.wake = resolve))
    }
  }

  /** Makes a waiting `next` return. */
  interrupt(): void {
    this.left = true
    this.wake()
  }

  /**
   * Ends the call. What is still on its way is taken and dropped; without that the call would never end. One of which everything has come that was asked
   * for ends by itself: to cancel it would reset its stream, and after a thousand resets in a burst an HTTP/2 session is closed by its peer's guard against
   * floods of them (nghttp2's, after CVE-2023-44487), with everything else that is on it.
   */
  async leave({ complete = false }: { readonly complete?: boolean } = {}): Promise<void> {
    this.interrupt()
    if (this.ended) return
    try {
      const call = await this.opening
      call.off('readable', this.onReadable)
      if (complete) return void call.resume()
      // Cancelling in the turn in which a message came makes gRPC throw (grpc-node, issues 1464 and 1652).
      await new Promise((resolve) => setImmediate(resolve))
      call.cancel()
      call.resume()
    } catch (cause) {
      // The call never began: there is nothing to end, and its failure is what `next` ends with.
      this.end(cause)
    }
  }

  private attach(call: ReadCall): void {
    this.call = call
    call.on('readable', this.onReadable)
    // Cancelled by somebody else than `leave`, it has not been read to its end.
    call.on('error', (cause) => this.end(this.left && isClientCancellationError(cause) ? undefined : convertToCommandError(cause)))
    call.on('end', () => this.end(undefined))
    call.on('close', () => this.end(undefined))
    this.wake()
  }

  private readonly onReadable = (): void => this.wake()

  private end(cause: unknown): void {
    this.ended = true
    this.failure ??= cause
    this.wake()
  }
}
