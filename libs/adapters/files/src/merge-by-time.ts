import type { Emission } from './emission'

/**
 * Merges the emissions of several files by event time: the earliest head goes first, of equal ones that of the file named first.
 * An emission without an event goes as soon as it is the head of its file, and so does one dated after `latestMs`: its time is no
 * time to wait for, and what follows it in its file would come late. One file passes through as it is. Holds one block of each file.
 */
export async function* mergeByTime(
  sources: readonly AsyncIterator<readonly Emission[]>[],
  { latestMs }: { readonly latestMs: number },
): AsyncGenerator<readonly Emission[], void, void> {
  const heads: Head[] = []
  for (const source of sources) {
    const head = new Head(source, latestMs)
    if (await head.fill()) heads.push(head)
  }
  while (heads.length > 1) {
    const merged: Emission[] = []
    let drained: Head | undefined
    while (drained === undefined) {
      let least = heads[0]
      for (let i = 1; i < heads.length; i++) if (heads[i].timeMs < least.timeMs) least = heads[i]
      merged.push(least.take())
      if (least.empty) drained = least
    }
    yield merged
    if (!(await drained.fill())) heads.splice(heads.indexOf(drained), 1)
  }
  for (const head of heads) {
    do yield head.takeAll()
    while (await head.fill())
  }
}

class Head {
  private emissions: readonly Emission[] = []
  private at = 0

  constructor(
    private readonly source: AsyncIterator<readonly Emission[]>,
    private readonly latestMs: number,
  ) {}

  get empty(): boolean {
    return this.at >= this.emissions.length
  }

  /** Event time of the first emission; -Infinity for one without an event or from the far future, so that it goes at once. */
  get timeMs(): number {
    const { eventTimeMs } = this.emissions[this.at]
    return eventTimeMs <= this.latestMs ? eventTimeMs : -Infinity
  }

  take(): Emission {
    return this.emissions[this.at++]
  }

  takeAll(): readonly Emission[] {
    const rest = this.at === 0 ? this.emissions : this.emissions.slice(this.at)
    this.at = this.emissions.length
    return rest
  }

  /** Reads on to the next block that holds something; false at the end of the file. */
  async fill(): Promise<boolean> {
    for (;;) {
      const next = await this.source.next()
      if (next.done === true) return false
      if (next.value.length === 0) continue
      this.emissions = next.value
      this.at = 0
      return true
    }
  }
}
