import { Random } from './random'
import type { ScenarioEvent, ScenarioItem } from './scenario-item'
import { minutes, type Scheduled, type Stage } from './stage'

/** Malformed lines that a scenario carries: they must end in quarantine, each with its reason. */
const MALFORMED_LINES = 8

type EventItem = Extract<ScenarioItem, { readonly kind: 'event' }>

/**
 * Disturbs a day as real transport does: one payment arrives 70 minutes to 4 hours late, two arrive up to 50 minutes late, every
 * second day one arrives twice, every twelfth day an id comes again with other content, and eight lines of the whole are
 * malformed. Only payments without a label are touched. Late ones may move to the next day, by the stage's calendar.
 */
export function disturbDay(stage: Stage, day: number, items: readonly Scheduled[]): readonly Scheduled[] {
  const random = new Random(stage.plan.seed, 0xd15, day)
  const plain = items.filter((entry) => entry.item.kind === 'event' && entry.item.topic === 'payments' && entry.item.label === undefined)
  if (plain.length < 8) return items
  const used = new Set<Scheduled>()
  const choose = (): Scheduled & { readonly item: EventItem } => {
    let at = random.below(plain.length)
    while (used.has(plain[at])) at = (at + 1) % plain.length
    used.add(plain[at])
    return plain[at] as Scheduled & { readonly item: EventItem }
  }
  const moved = new Set<Scheduled>()
  const postpone = (entry: Scheduled, byMs: number): void => {
    moved.add(entry)
    stage.schedule(entry.emitMs + byMs, entry.item)
  }
  postpone(choose(), random.between(minutes(70), minutes(240)))
  for (let n = 0; n < 2; n++) postpone(choose(), random.between(minutes(5), minutes(50)))
  if (day % 2 === 0) {
    const twice = choose()
    stage.schedule(twice.emitMs + random.between(500, minutes(20)), twice.item)
  }
  if (day % 12 === 5) {
    const first = choose()
    const event: ScenarioEvent = { ...first.item.event, amountMinor: (first.item.event.amountMinor as number) + 100 }
    stage.schedule(first.emitMs + random.between(500, minutes(20)), { kind: 'event', topic: 'payments', event })
  }
  const every = Math.max(1, Math.floor(stage.plan.days / MALFORMED_LINES))
  const which = Math.floor((day - 1) / every)
  if ((day - 1) % every === 0 && which < MALFORMED_LINES)
    stage.schedule(choose().emitMs + 1, { kind: 'raw', line: malformedLine(which, choose().item, stage.newId()) })
  return items.filter((entry) => !moved.has(entry))
}

/** A line from which no event can be made, or none that may be screened; each number another way of being wrong. */
function malformedLine(which: number, from: EventItem, eventId: string): string {
  const event = { ...from.event, eventId }
  const whole = JSON.stringify({ topic: 'payments', event })
  switch (which % MALFORMED_LINES) {
    case 0:
      return JSON.stringify({ topic: 'payments', event: { ...event, amountMinor: -500 } })
    case 1:
      return whole.slice(0, whole.length >>> 1)
    case 2:
      return JSON.stringify({ topic: 'payment', event })
    case 3:
      return JSON.stringify({ topic: 'payments', event: { ...event, eventTimeMs: 3_786_912_000_000 } })
    case 4:
      return JSON.stringify({ topic: 'payments', event: { ...event, accountId: '' } })
    case 5:
      return JSON.stringify({ topic: 'payments', event: { ...event, eventTimeMs: 'yesterday' } })
    case 6:
      return JSON.stringify({ topic: 'payments', event: { ...event, amountMinor: 12.5 } })
    default:
      return 'eventId;accountId;amount'
  }
}
