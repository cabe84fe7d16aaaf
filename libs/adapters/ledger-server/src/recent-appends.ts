import type { AppendView } from './append-record'

/** Keeps the newest appends in memory, by position and by stream, up to a number of bytes: what live subscribers and retries ask for. */
export class RecentAppends {
  private readonly views = new Map<number, AppendView>()
  private readonly newestOf = new Map<string, AppendView>()
  private bytes = 0

  constructor(private readonly maxBytes: number) {}

  add(view: AppendView): void {
    this.views.set(view.firstPosition, view)
    this.newestOf.set(view.stream, view)
    this.bytes += view.bytes.length
    for (const [position, oldest] of this.views) {
      if (this.bytes <= this.maxBytes || this.views.size === 1) break
      this.views.delete(position)
      if (this.newestOf.get(oldest.stream) === oldest) this.newestOf.delete(oldest.stream)
      this.bytes -= oldest.bytes.length
    }
  }

  get(position: number): AppendView | undefined {
    return this.views.get(position)
  }

  /** The last append to the stream, flushed or not, where it is still here. */
  newest(stream: string): AppendView | undefined {
    return this.newestOf.get(stream)
  }

  clear(): void {
    this.views.clear()
    this.newestOf.clear()
    this.bytes = 0
  }
}
