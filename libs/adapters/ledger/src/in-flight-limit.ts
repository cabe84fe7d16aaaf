/**
 * Lets at most `limit` tasks run at once, in the order of the calls; until the first has succeeded only one. The client opens one
 * call per append if many are made before its first one is set up, and then hangs.
 */
export class InFlightLimit {
  private running = 0
  private warm = false
  private readonly waiting: (() => void)[] = []

  constructor(private readonly limit: number) {}

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.running >= (this.warm ? this.limit : 1) || this.waiting.length > 0) {
      await new Promise<void>((resolve) => this.waiting.push(resolve))
    } else {
      this.running++
    }
    try {
      const result = await task()
      this.warm = true
      return result
    } finally {
      this.running--
      while (this.waiting.length > 0 && this.running < (this.warm ? this.limit : 1)) {
        this.running++
        this.waiting.shift()?.()
      }
    }
  }
}
