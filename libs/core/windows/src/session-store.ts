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

/** A key's sessions, ascending, more than the gap apart. Those before `first` have closed: they are taken out many at a time. */
interface HeldSessions {
  readonly sessions: Session[]
  first: number
}

/** Keyed state of one session window: the open sessions of each key. */
export class SessionStore {
  private readonly held = new Map<string, HeldSessions>()
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
    return watermarkMs > timeMs + this.patienceMs && !this.touchesAny(key, timeMs)
  }

  /** True unless the event begins a session and `most` are open. */
  hasRoomFor(event: { readonly key: string; readonly timeMs: number }, watermarkMs: number, most: number): boolean {
    if (this.openCount < most) return true
    return watermarkMs > event.timeMs + this.patienceMs || this.touchesAny(event.key, event.timeMs)
  }

  private touchesAny(key: string, timeMs: number): boolean {
    const held = this.held.get(key)
    return held !== undefined && this.touches(held.sessions[this.placeOf(held, timeMs)], timeMs)
  }

  private touches(session: Session | undefined, timeMs: number): boolean {
    const gapMs = this.specification.inactivityGapMs
    return session !== undefined && timeMs >= session.startMs - gapMs && timeMs <= session.endMs + gapMs
  }

  /** Index of the first open session that does not lie more than the gap before the time: the one to touch, if any is. */
  private placeOf({ sessions, first }: HeldSessions, timeMs: number): number {
    const edgeMs = timeMs - this.specification.inactivityGapMs
    // Most events come in order.
    if (sessions[sessions.length - 1].endMs < edgeMs) return sessions.length
    let low = first
    for (let high = sessions.length - 1; low < high;) {
      const middle = (low + high) >> 1
      if (sessions[middle].endMs < edgeMs) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Puts the event into its session, which may join two that were apart. False, and nothing changes, if it is late. */
  accept(event: { readonly key: string; readonly timeMs: number; readonly value: number }, watermarkMs: number): boolean {
    const { key, timeMs, value } = event
    if (this.isLate(key, timeMs, watermarkMs)) return false
    const held = this.held.get(key)
    if (held === undefined) {
      this.held.set(key, { sessions: [this.begin(event)], first: 0 })
      return true
    }
    const { sessions } = held
    const place = this.placeOf(held, timeMs)
    const session = sessions[place]
    if (!this.touches(session, timeMs)) {
      sessions.splice(place, 0, this.begin(event))
      return true
    }
    session.accumulator.add(value)
    session.startMs = Math.min(session.startMs, timeMs)
    session.endMs = Math.max(session.endMs, timeMs)
    // Sessions are more than the gap apart: an event touches two at most.
    if (this.touches(sessions[place + 1], timeMs)) this.join(session, sessions.splice(place + 1, 1)[0])
    return true
  }

  /** Takes a later session into another. */
  private join(session: Session, later: Session): void {
    session.accumulator.merge(later.accumulator)
    session.endMs = later.endMs
    later.open = false
    this.openCount--
  }

  private begin({ key, timeMs, value }: { readonly key: string; readonly timeMs: number; readonly value: number }): Session {
    const session: Session = { key, startMs: timeMs, endMs: timeMs, accumulator: new Accumulator(), open: true }
    session.accumulator.add(value)
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
      this.letGo(session)
      const { key, startMs, endMs, accumulator } = session
      closed.push({ window: this.window, key, startMs, endMs, count: accumulator.count, ...accumulator.total() })
    }
  }

  /** Takes a session that has closed out of its key's: the first, as one of an earlier end is due earlier, unless times so large that they round make them equal. */
  private letGo(session: Session): void {
    const held = this.held.get(session.key) as HeldSessions
    const { sessions } = held
    const at = sessions.indexOf(session, held.first)
    if (at === held.first) held.first++
    else sessions.splice(at, 1)
    if (held.first === sessions.length) this.held.delete(session.key)
    else if (2 * held.first > sessions.length) {
      sessions.splice(0, held.first)
      held.first = 0
    }
  }

  write(writer: ByteWriter): void {
    writer.varint(this.openCount)
    for (const { sessions, first } of this.held.values()) {
      for (let at = first; at < sessions.length; at++) {
        const session = sessions[at]
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
      const held = this.held.get(key)
      if (held === undefined) this.held.set(key, { sessions: [session], first: 0 })
      else held.sessions.push(session)
      this.due.push(session, session.endMs + this.patienceMs)
      this.openCount++
    }
  }
}
