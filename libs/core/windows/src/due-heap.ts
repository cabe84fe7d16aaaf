/** A binary min-heap of items by a time: what falls due first comes out first; among equal times, any order. */
export class DueHeap<T> {
  private readonly times: number[] = []
  private readonly items: T[] = []

  get size(): number {
    return this.items.length
  }

  /** Time of the first item; Infinity if there is none. */
  get nextMs(): number {
    return this.times.length === 0 ? Infinity : this.times[0]
  }

  push(item: T, timeMs: number): void {
    let at = this.items.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.times[parent] <= timeMs) break
      this.times[at] = this.times[parent]
      this.items[at] = this.items[parent]
      at = parent
    }
    this.times[at] = timeMs
    this.items[at] = item
  }

  /** Takes the first item out, or undefined if there is none. */
  pop(): T | undefined {
    const top = this.items[0]
    const timeMs = this.times.pop()
    const item = this.items.pop()
    if (timeMs === undefined || item === undefined || this.items.length === 0) return top
    const size = this.items.length
    let at = 0
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && this.times[child + 1] < this.times[child]) child++
      if (this.times[child] >= timeMs) break
      this.times[at] = this.times[child]
      this.items[at] = this.items[child]
      at = child
    }
    this.times[at] = timeMs
    this.items[at] = item
    return top
  }
}
