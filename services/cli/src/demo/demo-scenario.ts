import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { RiskError } from '@riskledger/contracts'
import {
  DAY_MS,
  formatScenarioItem,
  generateScenario,
  planScenario,
  type ScenarioEvent,
  type ScenarioLabel,
  type ScenarioOptions,
  type ScenarioPlan,
} from '@riskledger/simulation'
import type { DecidedEvent } from '../text/decision-line'

/** Text gathered before it is handed to the file. */
const CHUNK_CHARACTERS = 1 << 18

/** A scenario as it lies in the demo's folder, and what the demo must remember of it. */
export interface DemoScenario {
  readonly plan: ScenarioPlan
  /** NDJSON of the items, in the order in which they are taken in. */
  readonly file: string
  readonly items: number
  readonly labels: readonly ScenarioLabel[]
  /** First instant of the day of trouble, epoch milliseconds. */
  readonly troubleMs: number
  /** Events of the day of trouble by id. */
  readonly troubleEvents: ReadonlyMap<string, DecidedEvent>
}

/** The plan of a scenario; a number out of its limits is `configuration-invalid` with the flag's name. */
export function planDemo(options: ScenarioOptions): ScenarioPlan {
  try {
    return planScenario(options)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new RiskError('configuration-invalid', `--${error.message}.`, { retriable: false, cause: error })
  }
}

/** Generates a scenario into `<folder>/input`: `events.ndjson`, and what is known of them in `labels.ndjson`. */
export async function writeDemoScenario(folder: string, options: ScenarioOptions): Promise<DemoScenario> {
  const plan = planDemo(options)
  const troubleMs = plan.startMs + plan.days * DAY_MS
  const input = join(folder, 'input')
  await mkdir(input, { recursive: true })
  const file = join(input, 'events.ndjson')
  const labels: ScenarioLabel[] = []
  const troubleEvents = new Map<string, DecidedEvent>()
  let items = 0
  await writeLines(file, function* () {
    for (const item of generateScenario(options)) {
      items++
      yield formatScenarioItem(item)
      if (item.kind === 'raw') continue
      if (item.label !== undefined) labels.push(item.label)
      if (item.event.eventTimeMs >= troubleMs) troubleEvents.set(item.event.eventId, decidedEvent(item.event))
    }
  })
  await writeLines(join(input, 'labels.ndjson'), () => labels.map((label) => JSON.stringify(label)))
  return { plan, file, items, labels, troubleMs, troubleEvents }
}

function decidedEvent(event: ScenarioEvent): DecidedEvent {
  const amount = event.amountMinor ?? event.fiatMinor
  return {
    amountMinor: typeof amount === 'number' ? amount : null,
    currency: typeof event.currency === 'string' ? event.currency : null,
    utcOffsetMinutes: typeof event.utcOffsetMinutes === 'number' ? event.utcOffsetMinutes : null,
  }
}

async function writeLines(path: string, lines: () => Iterable<string>): Promise<void> {
  const stream = createWriteStream(path)
  let chunk = ''
  for (const line of lines()) {
    chunk += `${line}\n`
    if (chunk.length < CHUNK_CHARACTERS) continue
    if (!stream.write(chunk)) await once(stream, 'drain')
    chunk = ''
  }
  stream.end(chunk)
  await once(stream, 'close')
}
