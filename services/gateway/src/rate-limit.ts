/** A token bucket's size and pace. */
export interface RateLimitOptions {
  /** Tokens that come back in a second. */
  readonly eventsPerSecond: number
  /** Tokens of a full bucket: what may come at once. */
  readonly burstEvents: number
  /** A clock that never goes back, in milliseconds. */
  readonly nowMs: () => number
}

/** A token bucket: an event takes a token; what comes beyond the pace and the burst waits. */
export class RateLimit {
  private tokens: number
  private atMs: number

  constructor(private readonly options: RateLimitOptions) {
    this.tokens = options.burstEvents
    this.atMs = options.nowMs()
  }

  /**
   * Takes the tokens and returns 0; where too few are there it takes none and returns in how many milliseconds there are enough. Who has taken some of them
   * before takes the rest, and is told the time for all: the same request takes all of them again.
   */
  take(events: number, takenBefore = 0): number {
    const rest = events - takenBefore
    if (this.wait(rest) > 0) return this.wait(events)
    this.tokens -= rest
    return 0
  }

  /** In how many milliseconds so many tokens are there; 0 where they are. */
  wait(events: number): number {
    const { eventsPerSecond, burstEvents } = this.options
    const nowMs = this.options.nowMs()
    this.tokens = Math.min(burstEvents, this.tokens + ((nowMs - this.atMs) / 1_000) * eventsPerSecond)
    this.atMs = nowMs
    return this.tokens >= events ? 0 : Math.ceil(((events - this.tokens) / eventsPerSecond) * 1_000)
  }
}
