import { join } from 'node:path'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import type { Ledger } from '@riskledger/contracts'
import { connectLedger } from '@riskledger/ledger'
import { runToEnd } from '../run-riskledger'
import { readBrokerTruth, type BrokerTruth } from './broker-truth'
import type { ChaosHouse } from './chaos-house'
import { checkFacts, type FactsCheck } from './check-facts'
import { checkJournals, type JournalCheck } from './check-journal'
import { checkVerdicts, type VerdictCheck } from './check-verdicts'
import type { Receipt } from './publisher'

/** What a house that held to its promises was found to hold. */
export interface HouseCheck {
  readonly journal: JournalCheck
  readonly verdicts: VerdictCheck
  readonly receipts: number
}

/** What `replay --json` prints, as far as it is looked at. */
interface Replayed {
  readonly inputs: number
  readonly mismatches: number
}

/** What `verify --json` prints, as far as it is looked at. */
interface Verified {
  readonly inputs: number
  readonly faults: readonly unknown[]
}

/** What is there to prove that a house holds. */
interface Proof {
  /** Inputs in the journals. */
  readonly inputs: number
  readonly replayed: Replayed
  readonly verified: Verified
  readonly facts: FactsCheck
}

const LIMIT_MS = 90_000
const LOOK_EVERY_MS = 400
let checks = 0

/**
 * Pauses publishing, waits until every record that the cluster holds is in a journal and its verdict is published, and goes on publishing. Throws what
 * does not hold, in words, and where it takes longer than 90 seconds.
 */
export async function checkHouse(house: ChaosHouse): Promise<HouseCheck> {
  const check = await checkAtRest(house)
  house.resume()
  return check
}

/** As `checkHouse`, and leaves publishing paused. */
async function checkAtRest(house: ChaosHouse): Promise<HouseCheck> {
  await house.pause()
  const truth = await readTruth(house)
  const faults = receiptFaults(house, truth)
  const journal = await untilNothingMisses('records are in no journal', () => readJournals(house, truth))
  faults.push(...journal.faults)
  const acknowledged = house.toKafka.acknowledged + house.toGateway.acknowledged
  if (journal.inputs.length < acknowledged) faults.push(`${acknowledged} records were acknowledged and ${journal.inputs.length} journaled`)
  const verdicts = await untilNothingMisses('inputs have no verdict on risk.verdicts', () =>
    checkVerdicts({ ...readAs(house), inputs: journal.inputs }),
  )
  faults.push(...verdicts.faults)
  if (faults.length > 0) throw new Error(faults.join('\n'))
  return { journal, verdicts, receipts: house.receipts.length }
}

/**
 * Checks the house once more, then folds the journals anew and verifies them with the product's own commands: all inputs are met, every verdict repeats, the
 * chain is whole, and nobody was judged by older facts after a take-over. Throws where not, also where there was nothing to hold to it. Publishing is paused
 * meanwhile, and goes on after it.
 */
export async function proveHouse(house: ChaosHouse): Promise<void> {
  const { journal } = await checkAtRest(house)
  const folder = mkdtempSync(join(tmpdir(), 'riskledger-chaos-reader-'))
  try {
    const at = (name: string): readonly string[] => [...house.readerFlags, '--data-dir', join(folder, name)]
    const [replayed, verified] = await Promise.all([
      runToEnd<Replayed>(['replay', ...at('replay')]),
      runToEnd<Verified>(['verify', ...at('verify')]),
    ])
    const facts = await withLedger(house, (ledger) => checkFacts(ledger, house))
    const faults = proofFaults({ inputs: journal.inputs.length, replayed, verified, facts })
    if (faults.length > 0) throw new Error(faults.join('\n'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  house.resume()
}

/** What does not hold of what the commands and the facts told, in words: a command that met other inputs than there are has proved nothing. */
export function proofFaults({ inputs, replayed, verified, facts }: Proof): string[] {
  const faults = [...facts.faults]
  if (replayed.inputs !== inputs || replayed.mismatches !== 0) faults.push(`replay of ${inputs} inputs: ${JSON.stringify(replayed)}`)
  if (verified.inputs !== inputs || verified.faults.length !== 0) faults.push(`verify of ${inputs} inputs: ${JSON.stringify(verified)}`)
  if (facts.informedTakeOvers > 0 && facts.compared === 0)
    faults.push(
      `${facts.informedTakeOvers} take-overs began when facts were known, and no fact that is listed after them could be compared`,
    )
  return faults
}

/** What every raw topic of the cluster holds for a reader of committed records. */
export function readTruth(house: ChaosHouse): Promise<BrokerTruth> {
  return readBrokerTruth(readAs(house))
}

function readAs({ options: { brokers }, environment }: ChaosHouse): { brokers: readonly string[]; prefix: string; groupId: string } {
  return { brokers, prefix: environment, groupId: `${environment}checker-${checks++}` }
}

/** The journals as they are now, held against what the cluster held. */
export async function readJournals(house: ChaosHouse, truth: BrokerTruth): Promise<JournalCheck> {
  const { partitionCount } = house.options
  return withLedger(house, (ledger) => checkJournals(ledger, { truth, partitionCount, environment: house.environment }))
}

/** Looks at the ledger itself, past the proxy. */
export async function withLedger<Result>({ ledgerUrl }: ChaosHouse, look: (ledger: Ledger) => Promise<Result>): Promise<Result> {
  const ledger = await connectLedger({ connectionString: ledgerUrl })
  try {
    return await look(ledger)
  } finally {
    await ledger.close()
  }
}

/** Looks until nothing misses any more, or something is wrong. */
async function untilNothingMisses<Check extends { readonly missing: number; readonly faults: readonly string[] }>(
  what: string,
  look: () => Promise<Check>,
): Promise<Check> {
  for (const deadlineMs = performance.now() + LIMIT_MS; ;) {
    const check = await look()
    if (check.missing === 0 || check.faults.length > 0) return check
    if (performance.now() > deadlineMs) throw new Error(`${check.missing} ${what} after ${LIMIT_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}

/** Every receipt is of a record that lies where it says, and of no other's; and what an idempotent producer sent once is there once. */
function receiptFaults({ receipts, onceOnly }: ChaosHouse, truth: BrokerTruth): string[] {
  const faults: string[] = []
  const places = new Set<string>()
  for (const { topic, partition, offset, digest } of receipts) {
    const place = `${topic}/${partition}@${offset}`
    if (places.has(place)) faults.push(`two receipts name ${place}`)
    places.add(place)
    if (truth.get(`${topic}/${partition}`)?.get(offset) !== digest) faults.push(`a receipt names ${place}, which holds something else`)
  }
  if (onceOnly !== null) faults.push(...repetitions(onceOnly, truth))
  return faults.slice(0, 50)
}

/** Publishers may send the same twice; then it is there as often. */
function repetitions(receipts: readonly Receipt[], truth: BrokerTruth): string[] {
  const sent = new Map<string, number>()
  for (const { digest } of receipts) sent.set(digest, (sent.get(digest) ?? 0) + 1)
  const there = new Map<string, number>()
  for (const [name, records] of truth) {
    // What is no event may be alike whoever sends it.
    if (name.startsWith('unparsable/')) continue
    for (const digest of records.values()) there.set(digest, (there.get(digest) ?? 0) + 1)
  }
  return [...sent].flatMap(([digest, times]) => {
    const found = there.get(digest) ?? times
    return found > times ? [`the value ${digest} was sent ${times} time(s) and is there ${found} times`] : []
  })
}
