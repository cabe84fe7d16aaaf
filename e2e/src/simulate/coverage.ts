/** How often each thing happened, by name: fault kinds, crash points, ends of processes. */
export class Coverage {
  private readonly counts = new Map<string, number>()

  constructor(counts: Iterable<readonly [string, number]> = []) {
    for (const [name, by] of counts) this.count(name, by)
  }

  count(name: string, by = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + by)
  }

  of(name: string): number {
    return this.counts.get(name) ?? 0
  }

  add(other: Iterable<readonly [string, number]>): void {
    for (const [name, by] of other) this.count(name, by)
  }

  /** By name, in order. */
  entries(): readonly (readonly [string, number])[] {
    return [...this.counts].sort(([a], [b]) => (a < b ? -1 : 1))
  }
}
