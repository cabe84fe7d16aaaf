import { Accumulator } from './accumulator'
import type { ByteReader } from './byte-reader'
import type { ByteWriter } from './byte-writer'
import { DueHeap } from './due-heap'
import type { ClosedWindow } from './window-batch'
import type { SessionWindow } from './window-specification'

interface Session {
  readonly key: string
  startMs: number
  endMs: number
  readonly accumulator: Accumulator
  /** False once merged into another or closed. */
  open: boolean
}

/** Keyed state of one session window: the open sessions of each key. */
export class SessionStore {
  private readonly sessions = new Map<string, Session[]>()
  private readonly due = new DueHeap<Session>()
  /** Open sessions over all keys. */
  openCount = 0

  constructor(
    private readonly window: number,
    private readonly specification: SessionWindow,
  ) {}

  /** A time of watermark before which nothing closes; Infinity if nothing is open. */
  get nextDueMs(): number {
    return this.due.nextMs
  }

  /** How long after its last event a session stays open: it closes when the watermark is beyond. */
  private get patienceMs(): number {
    return this.specification.inactivityGapMs + this.specification.graceMs
  }

  /** True if the event touches no open session and one of its own would be closed already. */
  isLate(key: string, timeMs: number, watermarkMs: number): boolean {
    return watermarkMs > timeMs + this.patienceMs && !(this.sessions.get(key) ?? []).some((session) => this.touches(session, timeMs))
  }

  private touches(session: Session, timeMs: number): boolean {
    const gapMs = this.specification.inactivityGapMs
    return timeMs >= session.startMs - gapMs && timeMs <= session.endMs + gapMs
  }

  /** Puts the event into its session, which may join two that were apart. False, and nothing changes, if it is late. */
  accept(event: { readonly key: string; readonly timeMs: number; readonly value: number }, watermarkMs: number): boolean {
    const { key, timeMs, value } = event
    if (this.isLate(key, timeMs, watermarkMs)) return false
    const held = this.sessions.get(key) ?? []
    const touched = held.filter((session) => this.touches(session, timeMs))
    const session = touched[0] ?? this.begin(key, timeMs)
    session.accumulator.add(value)
    session.startMs = Math.min(session.startMs, timeMs)
    session.endMs = Math.max(session.endMs, timeMs)
    for (const other of touched.slice(1)) {
      session.accumulator.merge(other.accumulator)
      session.startMs = Math.min(session.startMs, other.startMs)
      session.endMs = Math.max(session.endMs, other.endMs)
      other.open = false
      this.openCount--
    }
    if (touched.length === 0) this.sessions.set(key, [...held, session])
    else if (touched.length > 1)
      this.sessions.set(
        key,
        held.filter((each) => each.open),
      )
    return true
  }

  private begin(key: string, timeMs: number): Session {
    const session: Session = { key, startMs: timeMs, endMs: timeMs, accumulator: new Accumulator(), open: true }
    this.due.push(session, timeMs + this.patienceMs)
    this.openCount++
    return session
  }

  /** Closes the sessions whose patience is over, in no particular order. */
  close(watermarkMs: number, closed: ClosedWindow[]): void {
    while (this.due.size > 0 && this.due.nextMs < watermarkMs) {
      const session = this.due.pop() as Session
      if (!session.open) continue
      const dueMs = session.endMs + this.patienceMs
      // It went on since it was put into the heap: one place in the heap per session, moved only when it comes up.
      if (dueMs >= watermarkMs) {
        this.due.push(session, dueMs)
        continue
      }
      session.open = false
      this.openCount--
      const rest = (this.sessions.get(session.key) ?? []).filter((each) => each.open)
      if (rest.length === 0) this.sessions.delete(session.key)
      else this.sessions.set(session.key, rest)
      const { key, startMs, endMs, accumulator } = session
      closed.push({ window: this.window, key, startMs, endMs, count: accumulator.count, ...accumulator.total() })
    }
  }

  write(writer: ByteWriter): void {
    writer.varint(this.openCount)
    for (const held of this.sessions.values()) {
      for (const session of held) {
        writer.string(session.key)
        writer.signedVarint(session.startMs)
        writer.signedVarint(session.endMs)
        session.accumulator.write(writer)
      }
    }
  }

  read(reader: ByteReader): void {
    for (let left = reader.varint(); left > 0; left--) {
      const key = reader.string()
      const startMs = reader.signedVarint()
      const session: Session = { key, startMs, endMs: reader.signedVarint(), accumulator: Accumulator.read(reader), open: true }
      this.sessions.set(key, [...(this.sessions.get(key) ?? []), session])
      this.due.push(session, session.endMs + this.patienceMs)
      this.openCount++
    }
  }
}
