import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatScenarioItem, generateScenario, type ScenarioOptions } from '@riskledger/simulation'

/** Writes a small scenario, every planted case and oddity in it, as NDJSON; returns how many lines it has. */
export function writeScenario(path: string, options: ScenarioOptions = {}): number {
  const lines: string[] = []
  for (const item of generateScenario({ seed: 11, accounts: 60, days: 10, oddities: 6, ...options })) lines.push(formatScenarioItem(item))
  writeFileSync(path, `${lines.join('\n')}\n`)
  return lines.length
}

/**
 * Writes the default policy with epochs of six hours instead of one: so few events an hour would otherwise spend most of their time in
 * waiting for relations.
 */
export function writeCoarsePolicy(path: string): void {
  const text = readFileSync(join(__dirname, '..', '..', 'policies', 'default.yaml'), 'utf8')
  const coarse = text.replace(/epochMs: 3600000\b/, 'epochMs: 21600000')
  if (coarse === text) throw new Error('the default policy has no epochMs of an hour any more')
  writeFileSync(path, coarse)
}
