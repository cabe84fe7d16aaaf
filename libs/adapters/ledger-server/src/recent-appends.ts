import type { AppendView } from './append-record'

/** Keeps the newest appends in memory, by position, up to a number of bytes: what live subscribers and retries ask for. */
export class RecentAppends {
  private readonly views = new Map<number, AppendView>()
  private bytes = 0

  constructor(private readonly maxBytes: number) {}

  add(view: AppendView): void {
    this.views.set(view.firstPosition, view)
    this.bytes += view.bytes.length
    for (const [position, oldest] of this.views) {
      if (this.bytes <= this.maxBytes || this.views.size === 1) break
      this.views.delete(position)
      this.bytes -= oldest.bytes.length
    }
  }

  get(position: number): AppendView | undefined {
    return this.views.get(position)
  }

  clear(): void {
    this.views.clear()
    this.bytes = 0
  }
}
