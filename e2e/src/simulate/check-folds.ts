import { strict as assert } from 'node:assert'
import { RAW_TOPICS } from '@riskledger/contracts'
import { decodeRaw } from '@riskledger/events'
import { decodeInputsScreened, emptyInput, type JournaledFact, type OpenedEntry, type RecordedInput } from '@riskledger/journal'
import type { AcceptedPolicy } from '@riskledger/policy'
import { challengeDraw } from '@riskledger/screener'
import { emptyInputToScreen, identityOf, JournalFold, ScreeningStep, type ChallengeDraw, type SegmentOpened } from '@riskledger/screening'
import type { ReadJournal } from './check-journal'
import { CHALLENGE_SECRET } from './small-policies'
import type { World } from './world'

/** Decides a journal's inputs again in two ways and compares: by the product's fold of the journal, and by a step fed from the log. */
export function checkFolds(world: World, journal: ReadJournal): void {
  checkFold(world, journal)
  new Recomputation(world, journal).run()
}

/** The product's own fold: every verdict, decision and state hash again, from the journal alone. */
function checkFold(world: World, { stream, entries }: ReadJournal): void {
  const fold = new JournalFold(stream)
  fold.checksStates = true
  for (const entry of entries) fold.apply(entry, (hash) => policyOf(world, hash))
  fold.finish()
  const { firstMismatch } = fold
  if (firstMismatch === null) return
  const { revision, sequence, field, recorded, folded } = firstMismatch
  world.problem(`${stream}@${revision}: ${field} of ${sequence} is recorded as ${recorded} and folds to ${folded}`)
}

function policyOf({ policies }: World, hash: string): AcceptedPolicy {
  const policy = policies.find((one) => one.hash === hash)
  assert(policy !== undefined, `policy ${hash} was never used`)
  return policy
}

/**
 * A fault-free run of the same order: the published records, in the journal's order, through a fresh step, with the facts that the journal
 * lists, the challenges drawn anew from the secret, and each policy from where it was put into force.
 */
class Recomputation {
  private step: ScreeningStep | null = null
  private readonly draw: ChallengeDraw
  private readonly input = emptyInputToScreen()
  private readonly out = emptyInput()

  constructor(
    private readonly world: World,
    private readonly journal: ReadJournal,
  ) {
    this.draw = challengeDraw(CHALLENGE_SECRET, journal.partition)
  }

  run(): void {
    let decisions = 0
    let recordedDecisions = 0
    for (const entry of this.journal.entries) {
      if (entry.type === 'SegmentOpened') this.step = new ScreeningStep(identityOf(readJson(entry) as SegmentOpened))
      if (entry.type === 'PolicyActivated')
        this.step!.activate(policyOf(this.world, (readJson(entry) as { policyHash: string }).policyHash))
      if (entry.type === 'DecisionMade') recordedDecisions++
      if (entry.type === 'StateAttested') this.world.coverage.count('state attested')
      if (entry.type === 'InputsScreened') decisions += this.screenBatch(entry)
    }
    if (decisions === recordedDecisions) return
    this.world.problem(`${this.journal.stream} holds ${recordedDecisions} decisions, and its inputs lead to ${decisions}`)
  }

  private screenBatch(entry: OpenedEntry): number {
    const step = this.step!
    const batch = decodeInputsScreened(entry.data)
    let decisions = 0
    batch.forEachInput((recorded) => {
      const sequence = step.nextSequence
      const facts = batch.facts.filter((fact) => fact.sequence === sequence)
      for (const fact of facts) if (fact.kind !== 'random-challenge') step.facts.apply(fact)
      this.fill(recorded)
      if (step.screen(this.input, this.out, this.draw) !== null) decisions++
      this.compare(`${this.journal.stream}@${entry.revision}, sequence ${sequence}`, recorded, facts)
      this.world.coverage.count(`input ${recorded.status}${recorded.verdict === null ? '' : `, ${recorded.verdict}`}`)
    })
    step.tick(batch.tickMs)
    this.world.coverage.count('facts listed', batch.facts.length)
    return decisions
  }

  private fill(recorded: RecordedInput): void {
    const { input } = this
    const { topic, key, value, brokerTimeMs, orderTimeMs } = this.journal.recordAt(recorded.topic, recorded.offset)
    const decoded = topic === 'unparsable' ? null : decodeRaw(topic, value)
    input.topic = recorded.topic
    input.offset = recorded.offset
    input.value = value
    input.brokerTimeMs = brokerTimeMs
    input.orderLagMs = orderTimeMs === undefined ? null : orderTimeMs - brokerTimeMs
    input.keyMismatch = decoded?.kind === 'decoded' && (key === null || decoded.event.accountId !== Buffer.from(key).toString('utf8'))
    input.ahead = -1
  }

  private compare(at: string, recorded: RecordedInput, facts: readonly JournaledFact[]): void {
    const { out } = this
    for (const field of ['status', 'reason', 'verdict', 'scorePoints', 'lateByMs', 'firstSequence', 'orderLagMs'] as const) {
      if (recorded[field] !== out[field]) {
        this.world.problem(`${at} (${RAW_TOPICS[recorded.topic]}): ${field} is ${recorded[field]}, and ${out[field]} without faults`)
      }
    }
    const drawn = facts.filter(({ kind }) => kind === 'random-challenge').length
    const drawnAgain = this.step!.facts.listed.filter(({ kind }) => kind === 'random-challenge').length
    if (drawn !== drawnAgain) this.world.problem(`${at}: ${drawn} random challenge(s) listed, ${drawnAgain} drawn without faults`)
  }
}

function readJson(entry: OpenedEntry): unknown {
  return JSON.parse(Buffer.from(entry.data).toString('utf8'))
}
