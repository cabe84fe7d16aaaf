import type { LogStore, LogTransaction } from './log-store'

/**
 * A disk for tests that can lose power: a write is on the platter only once it has been flushed, and `losePower` drops all that was not. What
 * survives is shared by every store that is opened on it, as by a machine that starts again.
 */
export class PowerLossDisk {
  private readonly platter = new Map<string, Uint8Array>()
  private pending: {
    readonly image: Map<string, Uint8Array | undefined>
    readonly done: () => void
    readonly failed: (error: Error) => void
  }[] = []
  private generation = 0
  private readonly mourners: ((error: Error) => void)[] = []

  /** Opens a store; one opened before a loss of power is dead and never answers. */
  open(): LogStore {
    const generation = this.generation
    const { platter } = this
    const keys = (from: Uint8Array, to: Uint8Array, limit: number): Uint8Array[] =>
      [...platter.keys()]
        .filter((key) => key >= hex(from) && key < hex(to))
        .sort()
        .slice(0, limit)
        .map(bytes)
    const get = (key: Uint8Array): Uint8Array | undefined => copyOf(platter.get(hex(key)))
    return {
      refresh: () => undefined,
      get,
      keys,
      floorKey: (key) =>
        [...platter.keys()]
          .filter((other) => other <= hex(key))
          .sort()
          .map(bytes)
          .at(-1),
      initialise: (key, value) => void platter.set(hex(key), Uint8Array.from(value)),
      write: (change, onHandedOver) => {
        if (generation !== this.generation) return new Promise((_, failed) => this.mourners.push(failed))
        const image = new Map<string, Uint8Array | undefined>()
        const transaction: LogTransaction = {
          get: (key) => (image.has(hex(key)) ? copyOf(image.get(hex(key))) : get(key)),
          put: (key, value) => void image.set(hex(key), Uint8Array.from(value)),
          remove: (key) => void image.set(hex(key), undefined),
          keys: (from, to, limit) => {
            const written = [...image]
              .filter(([key, value]) => value !== undefined && key >= hex(from) && key < hex(to))
              .map(([key]) => key)
            const kept = keys(from, to, Infinity)
              .map(hex)
              .filter((key) => !image.has(key))
            return [...written, ...kept].sort().slice(0, limit).map(bytes)
          },
        }
        return new Promise((done, failed) => {
          change(transaction)
          onHandedOver()
          this.pending.push({ image, done, failed })
        })
      },
      close: () => Promise.resolve(),
    }
  }

  /** Whether a write waits to be flushed. */
  get unflushed(): number {
    return this.pending.length
  }

  /** Puts everything that waits onto the platter. */
  flush(): void {
    const flushed = this.pending
    this.pending = []
    for (const { image, done } of flushed) {
      for (const [key, value] of image) {
        if (value === undefined) this.platter.delete(key)
        else this.platter.set(key, value)
      }
      done()
    }
  }

  /** Fails everything that waits, as a full disk does. */
  fail(error: Error): void {
    const failing = this.pending
    this.pending = []
    for (const { failed } of failing) failed(error)
  }

  /** Drops everything that waits; whoever waited hears nothing of it until `bury`. */
  losePower(): void {
    for (const { failed } of this.pending) this.mourners.push(failed)
    this.pending = []
    this.generation++
  }

  /** Lets a test clear a dead world away: whoever waits for a store that lost its power is told so. */
  bury(): void {
    for (const failed of this.mourners.splice(0)) failed(new Error('the power was lost'))
  }
}

function hex(key: Uint8Array): string {
  return Buffer.from(key).toString('hex')
}

function bytes(key: string): Uint8Array {
  return Buffer.from(key, 'hex')
}

function copyOf(value: Uint8Array | undefined): Uint8Array | undefined {
  return value === undefined ? undefined : Uint8Array.from(value)
}
