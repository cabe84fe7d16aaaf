import type { EventTopic } from '@riskledger/contracts'
import { type Account, makeAccount, type Part } from './population'
import { Random } from './random'
import type { CaseName, OddityName, ScenarioEvent, ScenarioItem, ScenarioLabel } from './scenario-item'

/** Milliseconds of a day. */
export const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

/** What a scenario is made of, every default filled in. */
export interface ScenarioPlan {
  readonly seed: number
  readonly accounts: number
  readonly merchants: number
  readonly days: number
  readonly startMs: number
  readonly cases: readonly CaseName[]
  readonly casesOfEach: number
  readonly oddities: number
  readonly disorder: boolean
}

/** An item that waits for its moment in the stream. */
export interface Scheduled {
  readonly emitMs: number
  readonly order: number
  readonly item: ScenarioItem
}

/** What an event is part of. */
export interface Story {
  readonly part: Extract<Part, { kind: 'case' | 'oddity' }>
  readonly role: 'sign' | 'context'
  readonly expected: 'challenge' | 'hold' | null
}

const ODDITIES: readonly OddityName[] = ['night-worker', 'monthly-rent', 'traveller', 'new-phone', 'payday-spree']

/** The population and the calendar: whatever happens is put on the day it is emitted, and each day is taken once, in order. */
export class Stage {
  readonly plan: ScenarioPlan
  readonly accounts: readonly Account[]
  readonly traders: readonly Account[]
  private readonly calendar = new Map<number, Scheduled[]>()
  private readonly ids: Random
  private order = 0

  constructor(plan: ScenarioPlan) {
    this.plan = plan
    this.ids = new Random(plan.seed, 0x1d5)
    const parts = castParts(plan)
    this.accounts = Array.from({ length: plan.accounts }, (_, index) =>
      makeAccount(index, new Random(plan.seed, 0xacc, index), {
        merchants: plan.merchants,
        part: parts.get(index) ?? { kind: 'ordinary' },
      }),
    )
    this.traders = this.accounts.filter((account) => account.trader && account.part.kind === 'ordinary')
  }

  /** First instant of the day of trouble. */
  get troubleMs(): number {
    return this.plan.startMs + this.plan.days * DAY_MS
  }

  /** The instant of a local time of day on a day of the scenario (UTC day; a local time that falls on a neighbouring day is moved into it). */
  localTimeMs(account: Account, day: number, secondOfDay: number): number {
    const utcSecond = (secondOfDay - account.home.utcOffsetMinutes * 60 + 2 * 86_400) % 86_400
    return this.plan.startMs + day * DAY_MS + utcSecond * 1000
  }

  /** The next event id. */
  newId(): string {
    return this.ids.uuid()
  }

  /** Puts an event on the calendar and gives back its id. `delayMs`: how much later than its own time it arrives. */
  put(
    topic: EventTopic,
    event: Omit<ScenarioEvent, 'eventId'> & { readonly eventId?: string },
    how: { readonly story?: Story | undefined; readonly delayMs?: number } = {},
  ): string {
    const eventId = event.eventId ?? this.newId()
    const { eventId: _replaced, ...rest } = event
    const whole = { eventId, ...rest } as ScenarioEvent
    const label = how.story === undefined ? undefined : labelOf(whole, topic, how.story)
    this.schedule(whole.eventTimeMs + (how.delayMs ?? 0), { kind: 'event', topic, event: whole, ...(label === undefined ? {} : { label }) })
    return eventId
  }

  /** Puts any item on the calendar. */
  schedule(emitMs: number, item: ScenarioItem): void {
    const day = Math.floor((emitMs - this.plan.startMs) / DAY_MS)
    let items = this.calendar.get(day)
    if (items === undefined) this.calendar.set(day, (items = []))
    items.push({ emitMs, order: this.order++, item })
  }

  /** Takes a day's items in the order in which they are emitted. */
  takeDay(day: number): readonly Scheduled[] {
    const items = this.calendar.get(day) ?? []
    this.calendar.delete(day)
    return items.sort((a, b) => a.emitMs - b.emitMs || a.order - b.order)
  }

  /** The accounts that hold a part in a case of this name. */
  playersOf(name: CaseName): readonly Account[] {
    return this.accounts.filter((account) => account.part.kind === 'case' && account.part.name === name)
  }
}

/** Minutes as milliseconds. */
export function minutes(count: number): number {
  return count * MINUTE_MS
}

function labelOf(event: ScenarioEvent, topic: EventTopic, story: Story): ScenarioLabel {
  const { kind, id, name } = story.part
  return { eventId: event.eventId, accountId: event.accountId, topic, kind, id, name, role: story.role, expected: story.expected }
}

/** Chooses, by the seed, which accounts play what. */
function castParts(plan: ScenarioPlan): Map<number, Part> {
  const random = new Random(plan.seed, 0xca57)
  const parts = new Map<number, Part>()
  const cast = (part: Part): void => {
    let index = random.below(plan.accounts)
    while (parts.has(index)) index = (index + 1) % plan.accounts
    parts.set(index, part)
  }
  for (const name of plan.cases) for (let n = 1; n <= plan.casesOfEach; n++) cast({ kind: 'case', name, id: `${name}-${n}` })
  for (let n = 0; n < plan.oddities; n++) {
    const name = ODDITIES[n % ODDITIES.length]
    cast({ kind: 'oddity', name, id: `${name}-${Math.floor(n / ODDITIES.length) + 1}` })
  }
  return parts
}
