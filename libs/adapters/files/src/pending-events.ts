import { RiskError } from '@riskledger/contracts'
import type { Emission } from './emission'

/** Most events that one file may hold back at a time. */
const MAX_PENDING_EVENTS = 2_000_000

/** Events that wait for their time, given out by event time, then in the order in which they came: a binary heap. */
export class PendingEvents {
  private readonly heap: { readonly order: number; readonly emission: Emission }[] = []
  private order = 0

  constructor(private readonly file: string) {}

  /** Event time of the first one; Infinity if there is none. */
  get nextMs(): number {
    return this.heap.length === 0 ? Infinity : this.heap[0].emission.eventTimeMs
  }

  /** Throws `limit-reached` past two million. */
  add(emission: Emission): void {
    if (this.heap.length >= MAX_PENDING_EVENTS) {
      const message = `${this.file} holds back ${MAX_PENDING_EVENTS} delayed events at once, the most that is kept in memory. Split the file, or shorten the mapping's delay.`
      throw new RiskError('limit-reached', message, { retriable: false, context: { file: this.file, limit: MAX_PENDING_EVENTS } })
    }
    let at = this.heap.push({ order: this.order++, emission }) - 1
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (!this.before(at, parent)) break
      this.swap(at, parent)
      at = parent
    }
  }

  /** Takes out the first one. */
  take(): Emission {
    const { emission } = this.heap[0]
    const last = this.heap.pop()
    if (this.heap.length > 0 && last !== undefined) {
      this.heap[0] = last
      this.sink()
    }
    return emission
  }

  private sink(): void {
    for (let at = 0; ;) {
      const left = 2 * at + 1
      if (left >= this.heap.length) return
      const right = left + 1
      const least = right < this.heap.length && this.before(right, left) ? right : left
      if (!this.before(least, at)) return
      this.swap(least, at)
      at = least
    }
  }

  private before(a: number, b: number): boolean {
    const difference = this.heap[a].emission.eventTimeMs - this.heap[b].emission.eventTimeMs
    return difference < 0 || (difference === 0 && this.heap[a].order < this.heap[b].order)
  }

  private swap(a: number, b: number): void {
    const held = this.heap[a]
    this.heap[a] = this.heap[b]
    this.heap[b] = held
  }
}
