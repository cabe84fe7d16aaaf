import { EmissionBlock } from './emission-block'

/**
 * Merges the emissions of several files by event time: the earliest head goes first, of equal ones that of the file named first.
 * An emission without an event goes as soon as it is the head of its file, and so does one dated after `latestMs`: its time is no
 * time to wait for, and what follows it in its file would come late. One file passes through as it is. Holds one block of each file.
 * A block that it gives counts until the next is asked for.
 */
export async function* mergeByTime(
  sources: readonly AsyncIterator<EmissionBlock>[],
  { latestMs }: { readonly latestMs: number },
): AsyncGenerator<EmissionBlock, void, void> {
  const heads: Head[] = []
  for (const source of sources) {
    const head = new Head(source, latestMs)
    if (await head.fill()) heads.push(head)
  }
  const merged = new EmissionBlock()
  while (heads.length > 1) {
    merged.clear()
    let drained: Head | undefined
    while (drained === undefined) {
      let least = heads[0]
      for (let i = 1; i < heads.length; i++) if (heads[i].timeMs < least.timeMs) least = heads[i]
      least.moveTo(merged)
      if (least.empty) drained = least
    }
    yield merged
    if (!(await drained.fill())) heads.splice(heads.indexOf(drained), 1)
  }
  for (const head of heads) {
    merged.clear()
    do yield head.takeAll(merged)
    while (await head.fill())
  }
}

class Head {
  private block = new EmissionBlock()
  private at = 0

  constructor(
    private readonly source: AsyncIterator<EmissionBlock>,
    private readonly latestMs: number,
  ) {}

  get empty(): boolean {
    return this.at >= this.block.count
  }

  /** Event time of the first emission; -Infinity for one without an event or from the far future, so that it goes at once. */
  get timeMs(): number {
    const eventTimeMs = this.block.eventTimesMs[this.at]
    return eventTimeMs <= this.latestMs ? eventTimeMs : -Infinity
  }

  moveTo(merged: EmissionBlock): void {
    merged.copy(this.block, this.at++)
  }

  /** The rest of the block: itself where nothing of it was taken, else in `spare`. */
  takeAll(spare: EmissionBlock): EmissionBlock {
    if (this.at === 0) return this.block
    while (!this.empty) this.moveTo(spare)
    return spare
  }

  /** Reads on to the next block that holds something; false at the end of the file. */
  async fill(): Promise<boolean> {
    for (;;) {
      const next = await this.source.next()
      if (next.done === true) return false
      if (next.value.count === 0) continue
      this.block = next.value
      this.at = 0
      return true
    }
  }
}
