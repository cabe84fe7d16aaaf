import { disturbDay } from './disorder'
import { liveOrdinaryDay, openAccounts } from './habits'
import { actOddly, prepareOddity, replacesOrdinaryDay } from './honest-oddities'
import { plantCase } from './planted-cases'
import type { CaseName, ScenarioItem } from './scenario-item'
import { DAY_MS, type ScenarioPlan, type Scheduled, Stage } from './stage'

/** How a scenario is made; everything has a default. */
export interface ScenarioOptions {
  /** The same seed gives the same items, byte for byte. Default 7. */
  readonly seed?: number
  /** Accounts, 60 to 1,000,000. Default 500. */
  readonly accounts?: number
  /** Days of habit before the one day of trouble, 10 to 3,650. Default 30. */
  readonly days?: number
  /** First instant, epoch milliseconds, a midnight in UTC. Default 2026-04-14, so that the default's trouble falls on 2026-05-14. */
  readonly startMs?: number
  /** Which cases are planted. Default: all of them. */
  readonly cases?: readonly CaseName[]
  /** How many of each case. Default 1. */
  readonly casesOfEach?: number
  /** Honest accounts that look odd on the day of trouble. Default 25, or a tenth of the accounts if that is fewer. */
  readonly oddities?: number
  /** Whether some events come late or twice and some lines are malformed. Default true. */
  readonly disorder?: boolean
}

/** 2026-04-14T00:00:00Z. */
export const SCENARIO_START_MS = 1_776_124_800_000
/** Every planted case, in the order of the founding cases. */
export const CASE_NAMES: readonly CaseName[] = ['large-night-purchase', 'stolen-phone', 'dirty-money', 'card-testing', 'prohibited-region']

/** Fills in the defaults; throws `RangeError` naming the option that lies outside of its limits. */
export function planScenario(options: ScenarioOptions = {}): ScenarioPlan {
  const accounts = within('accounts', options.accounts ?? 500, [60, 1_000_000])
  const plan: ScenarioPlan = {
    seed: within('seed', options.seed ?? 7, [0, 4_294_967_295]),
    accounts,
    merchants: Math.max(60, Math.floor(accounts / 4)),
    days: within('days', options.days ?? 30, [10, 3_650]),
    startMs: within('startMs', options.startMs ?? SCENARIO_START_MS, [0, 4_102_444_800_000]),
    cases: options.cases ?? CASE_NAMES,
    casesOfEach: within('casesOfEach', options.casesOfEach ?? 1, [0, 1_000]),
    oddities: within('oddities', options.oddities ?? Math.min(25, Math.floor(accounts / 10)), [0, 100_000]),
    disorder: options.disorder ?? true,
  }
  if (plan.startMs % DAY_MS !== 0) throw new RangeError(`startMs is ${plan.startMs}; it must be a midnight in UTC`)
  const players = plan.cases.length * plan.casesOfEach + plan.oddities
  if (players * 2 > accounts)
    throw new RangeError(`${players} accounts with a part are too many for ${accounts} accounts; at most half may have one`)
  return plan
}

/**
 * Makes a scenario: days of habit of a population, then one day of trouble on which cases are planted and honest accounts behave
 * oddly. Items come in event-time order, but for those that the disorder makes late; only about a day of them is held in memory.
 * The same options always give the same items. Fraud labels that would be known after the end are left out.
 */
export function* generateScenario(options: ScenarioOptions = {}): Generator<ScenarioItem, void, void> {
  const plan = planScenario(options)
  const stage = new Stage(plan)
  openAccounts(stage)
  for (const account of stage.accounts) {
    if (account.part.kind === 'case') plantCase(stage, account)
    else prepareOddity(stage, account)
  }
  for (let day = 0; day <= plan.days; day++) {
    for (const account of stage.accounts) {
      const trouble = day === plan.days
      if (trouble && account.part.kind === 'oddity') actOddly(stage, account)
      const ordinary = trouble ? account.part.kind === 'ordinary' : !replacesOrdinaryDay(stage, account, day)
      if (ordinary) liveOrdinaryDay(stage, account, day)
    }
    yield* emit(day === 0 || !plan.disorder ? stage.takeDay(day) : disturbed(stage, day))
  }
  const endMs = plan.startMs + (plan.days + 1) * DAY_MS
  for (const { emitMs, item } of stage.takeDay(plan.days + 1)) if (emitMs < endMs + DAY_MS / 6 && !isLateLabel(item)) yield item
}

function disturbed(stage: Stage, day: number): readonly Scheduled[] {
  const kept = disturbDay(stage, day, stage.takeDay(day))
  return [...kept, ...stage.takeDay(day)].sort((a, b) => a.emitMs - b.emitMs || a.order - b.order)
}

function* emit(items: readonly Scheduled[]): Generator<ScenarioItem, void, void> {
  for (const { item } of items) yield item
}

function isLateLabel(item: ScenarioItem): boolean {
  return item.kind === 'event' && item.topic === 'outcomes'
}

function within(name: string, value: number, [least, most]: readonly [number, number]): number {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new RangeError(`${name} is ${value}; it must be an integer from ${least} to ${most}`)
  return value
}
