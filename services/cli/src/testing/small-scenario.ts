import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DAY_MS, formatScenarioItem, generateScenario, SCENARIO_START_MS, type ScenarioItem } from '@riskledger/simulation'
import { runJson } from './run-command'

const DAYS = 10
const HOUR_MS = 3_600_000

/** A folder of its own under the system's folder for temporary files. */
export async function temporaryFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'riskledger-cli-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/**
 * Writes a file of generated lines, with an input for every status: the first hours of a day of trouble. Each hour of event time costs a turn of
 * relations; 20 of them, the default, hold about 200 lines and every verdict.
 */
export async function writeSmallScenario(file: string, { hours = 20 }: { readonly hours?: number } = {}): Promise<void> {
  const fromMs = SCENARIO_START_MS + DAYS * DAY_MS
  const lines: string[] = []
  let twice = ''
  for (const item of generateScenario({ seed: 7, accounts: 60, days: DAYS, oddities: 3, disorder: false })) {
    if (!isPlayed(item, { fromMs, toMs: fromMs + hours * HOUR_MS })) continue
    lines.push(formatScenarioItem(item))
    if (twice === '' && item.kind === 'event' && item.topic === 'payments') twice = formatScenarioItem(item)
  }
  const late = JSON.parse(twice) as { event: { eventId: string; eventTimeMs: number } }
  late.event.eventId = '11111111-2222-4333-8444-555555555555'
  late.event.eventTimeMs = fromMs - DAY_MS
  const other = JSON.parse(twice) as { event: { paymentId: string } }
  other.event.paymentId = 'p-other'
  lines.push(twice, JSON.stringify(other), JSON.stringify(late), '{"topic":"payments","event":{"half":')
  await writeFile(file, `${lines.join('\n')}\n`)
}

/** Screens a small scenario into the folder `data` inside of `folder`; tells where that is and how the command ended. */
export async function screenSmallScenario<Value = unknown>(folder: string, options: { readonly hours?: number } = {}) {
  const events = join(folder, 'events.ndjson')
  const dataDir = join(folder, 'data')
  await writeSmallScenario(events, options)
  return { dataDir, run: await runJson<Value>('screen', events, '--data-dir', dataDir) }
}

function isPlayed(item: ScenarioItem, { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): boolean {
  return item.kind === 'event' && item.event.eventTimeMs >= fromMs && item.event.eventTimeMs < toMs
}
