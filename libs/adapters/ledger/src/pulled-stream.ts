import type { ResolvedEvent } from '@eventstore/db-client'

/** A read or a subscription of the client, as far as it is used here. */
export interface ClientStream {
  read(): ResolvedEvent | null
  readonly readableLength: number
  on(event: string, listener: (cause?: unknown) => void): unknown
  off(event: string, listener: (cause?: unknown) => void): unknown
  resume(): unknown
  /** Ends a read. */
  cancel?(): Promise<void>
  /** Ends a subscription. */
  unsubscribe?(): Promise<void>
}

/**
 * Takes events from the client one by one, as fast as the consumer asks and no faster, and lets the call end when the consumer
 * leaves early: the client's own iterator then keeps the call open for ever, and with it the connection.
 */
export class PulledStream<Mark> {
  /** Why the stream ended, where it did not end well. */
  failure: unknown
  private readonly marks: { readonly afterEvents: number; readonly mark: Mark }[] = []
  private taken = 0
  private ended = false
  private left = false
  private wake: () => void = () => undefined

  constructor(private readonly stream: ClientStream) {
    stream.on('readable', this.onReadable)
    stream.on('error', (cause) => this.end(cause))
    stream.on('end', () => this.end(undefined))
    stream.on('close', () => this.end(undefined))
  }

  /** The next event or mark; undefined at the end (see `failure`), and after `leave`. */
  async next(): Promise<ResolvedEvent | { readonly mark: Mark } | undefined> {
    for (;;) {
      if (this.left) return undefined
      if (this.marks.length > 0 && this.marks[0].afterEvents <= this.taken) {
        const [first] = this.marks.splice(0, 1)
        return { mark: first.mark }
      }
      const event = this.stream.read()
      if (event !== null) {
        this.taken++
        return event
      }
      if (this.ended) return undefined
      await new Promise<void>((resolve) => (this.wake = resolve))
    }
  }

  /** Puts a mark behind the events that the client holds so far: it tells of some things apart from its events. */
  mark(mark: Mark): void {
    this.marks.push({ afterEvents: this.taken + this.stream.readableLength, mark })
    this.wake()
  }

  /** Makes a waiting `next` return. */
  interrupt(): void {
    this.left = true
    this.wake()
  }

  /** Ends the call. What is still on its way is taken and dropped; without that the call would never end. */
  async leave(): Promise<void> {
    this.interrupt()
    if (this.ended) return
    this.stream.off('readable', this.onReadable)
    try {
      await (this.stream.cancel ?? this.stream.unsubscribe)?.call(this.stream)
      this.stream.resume()
    } catch (cause) {
      // The call never began: there is nothing to end, and its failure is what `next` ends with.
      this.end(cause)
    }
  }

  private readonly onReadable = (): void => this.wake()

  private end(cause: unknown): void {
    this.ended = true
    this.failure ??= cause
    this.wake()
  }
}
