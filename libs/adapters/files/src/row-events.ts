import { RAW_TOPICS } from '@riskledger/contracts'
import type { MappedEvent } from './compile-mapping'
import type { Rejection } from './emission'
import type { EmissionBlock } from './emission-block'
import { type LatestTime, refusalOfTime } from './future-event'
import { PendingEvents } from './pending-events'
import type { RowEncoder } from './plain/row-encoder'

/** Puts the events of a file's rows in order: each at its place, but one that the mapping delays at its time. */
export class RowEvents {
  private readonly pending: PendingEvents
  /** Largest event time of a row so far: what is delayed until then goes before that row's events. */
  private fileTimeMs = -Infinity

  constructor(
    private readonly out: EmissionBlock,
    private readonly options: { readonly file: string; readonly latest: LatestTime },
  ) {
    this.pending = new PendingEvents(options.file)
  }

  /** Emits the events of the row that begins on this line. Throws `limit-reached`. */
  emit(events: readonly MappedEvent[], line: number): void {
    for (const event of events) if (!event.delayed && event.eventTimeMs > this.fileTimeMs) this.fileTimeMs = event.eventTimeMs
    while (this.pending.nextMs <= this.fileTimeMs) this.out.push(this.pending.take())
    for (const { topic, eventTimeMs, accountId, value, delayed } of events) {
      const rejection = this.refusalOf(eventTimeMs, line)
      if (delayed) this.pending.add({ topic, eventTimeMs, accountId: copyOf(accountId), value: value.slice(), rejection })
      else this.out.push({ topic, eventTimeMs, accountId, value, rejection })
    }
  }

  /** Does the same for those of the last row that the encoder added to the block, from the place `from` on. */
  emitEncoded(from: number, { encoder, line }: { readonly encoder: RowEncoder; readonly line: number }): void {
    const { count, eventTimesMs } = this.out
    let timeMs = this.fileTimeMs
    for (let i = from; i < count; i++) if (encoder.delays[i - from] === 0 && eventTimesMs[i] > timeMs) timeMs = eventTimesMs[i]
    if (!encoder.delayed && this.pending.nextMs > timeMs) {
      this.fileTimeMs = timeMs
      if (timeMs > this.options.latest.latestMs) this.noteRefusals(from, line)
      return
    }
    // Something goes before them, or some of them wait: they are taken out again and go the plain way.
    const events = this.takeBack(from, encoder)
    this.emit(events, line)
  }

  /** Emits what still waits. */
  end(): void {
    while (this.pending.nextMs !== Infinity) this.out.push(this.pending.take())
  }

  private noteRefusals(from: number, line: number): void {
    const { count, eventTimesMs, rejections } = this.out
    for (let i = from; i < count; i++) {
      const refusal = this.refusalOf(eventTimesMs[i], line)
      if (refusal !== null) rejections.set(i, refusal)
    }
  }

  private refusalOf(eventTimeMs: number, line: number): Rejection | null {
    const { file, latest } = this.options
    return refusalOfTime(eventTimeMs, { file, line }, latest)
  }

  private takeBack(from: number, { delays }: RowEncoder): readonly MappedEvent[] {
    const { out } = this
    const events = Array.from({ length: out.count - from }, (_, i): MappedEvent => {
      const at = from + i
      const start = at === 0 ? 0 : out.ends[at - 1]
      return {
        topic: RAW_TOPICS[out.topics[at]] as MappedEvent['topic'],
        eventTimeMs: out.eventTimesMs[at],
        accountId: Buffer.from(out.bytes.subarray(start, out.keyEnds[at])).toString(),
        value: out.bytes.slice(out.keyEnds[at], out.ends[at]),
        delayed: delays[i] === 1,
      }
    })
    out.count = from
    return events
  }
}

/** The text apart from the block that it was cut from, which it would otherwise keep in memory. */
function copyOf(text: string): string {
  return Buffer.from(text).toString()
}
