import { recordsOf, type EventLog, type LogRecord, type ProposedRecord, type RawTopic, type Verdict } from '@riskledger/contracts'
import { compilePolicy, newScoreCard, score, scoreWithout, verdictOf } from '@riskledger/detectors'
import { EventViews, spanText, type OutcomeView, type PaymentView, type TokenSpan } from '@riskledger/events'
import type { DetectorName, Policy } from '@riskledger/policy'
import { ProfileStore } from '@riskledger/profiles'
import {
  decodeCounterpartyFact,
  decodeDeviceFact,
  RelationsState,
  relationsOptions,
  type ChangedFact,
  type CounterpartyFact,
  type DeviceFact,
  type FactView,
} from '@riskledger/relations'

/** The core without journal: decode, profiles, relations with the epochs of a file, detectors. */
export class MemoryScreening {
  inputs = 0
  readonly verdicts: Record<Verdict, number> = { allow: 0, challenge: 0, hold: 0, block: 0 }
  readonly pushed = { velocity: 0, 'late-night-deviation': 0 }
  readonly scored = { timesMs: [] as number[], customers: [] as number[], scores: [] as number[], frauds: new Set<number>() }
  private readonly views = new EventViews()
  private readonly profiles: ProfileStore
  private readonly relations: RelationsState
  private readonly facts = new VisibleFacts()
  private readonly compiled
  private readonly card = newScoreCard()
  private readonly learned: { readonly epoch: number; readonly facts: readonly ChangedFact[] }[] = []
  private readonly rowOf = new Map<string, number>()
  private readonly customerOf = new Map<string, number>()
  private epoch = -1
  private streamTimeMs = 0

  constructor(private readonly policy: Policy) {
    this.profiles = new ProfileStore(policy.state)
    this.relations = new RelationsState(relationsOptions(policy.state))
    this.compiled = compilePolicy(policy)
  }

  /** A log of one partition that takes each record in at once and keeps none. */
  get log(): EventLog {
    const refuse = (): never => {
      throw new Error('a log for measuring is only written')
    }
    return {
      partitionCount: 1,
      append: (records: readonly ProposedRecord[]) => Promise.resolve(records.map((record) => this.take(record))),
      appendColumns: (columns) => {
        for (const record of recordsOf(columns)) this.take(record)
        return Promise.resolve()
      },
      fetch: refuse,
      range: refuse,
      sources: () => Promise.resolve([]),
      changed: () => Promise.resolve(),
      close: () => Promise.resolve(),
    }
  }

  private take(record: Omit<LogRecord, 'offset'>): number {
    const event = this.views.read(record.topic as 'payments' | 'outcomes', record.value)
    if (event === null) throw new Error(`${record.topic}: a record that is no event`)
    if (event.eventTimeMs > this.streamTimeMs) this.streamTimeMs = event.eventTimeMs
    this.turnEpoch()
    this.profiles.advance(this.streamTimeMs)
    this.relations.advance(this.streamTimeMs)
    if (record.topic === 'payments') this.screen(event as PaymentView)
    else this.learn(event as OutcomeView, record.topic)
    return this.inputs++
  }

  /** At the turn of an epoch what relations learned is set aside; what is old enough becomes visible. */
  private turnEpoch(): void {
    const { epochMs, visibilityLagEpochs } = this.policy.relations
    const epoch = Math.floor(this.streamTimeMs / epochMs)
    if (epoch === this.epoch) return
    if (this.epoch >= 0) this.learned.push({ epoch: this.epoch, facts: this.relations.takeChanged() })
    this.epoch = epoch
    while (this.learned.length > 0 && this.learned[0].epoch <= epoch - 1 - visibilityLagEpochs) {
      for (const fact of this.learned.shift()!.facts) this.facts.show(fact)
    }
  }

  private screen(event: PaymentView): void {
    const { card, compiled, scored } = this
    const features = this.profiles.observe('payments', event, { late: false, facts: this.facts })!
    score(features, compiled, card)
    this.verdicts[card.verdict]++
    if (card.verdict !== 'allow') {
      for (const detector of Object.keys(this.pushed) as (DetectorName & keyof typeof this.pushed)[]) {
        if (verdictOf('payments', compiled, scoreWithout(card, compiled, detector)) === 'allow') this.pushed[detector]++
      }
    }
    this.rowOf.set(event.eventId, scored.scores.length)
    scored.timesMs.push(event.eventTimeMs)
    scored.customers.push(this.customer(event.accountId))
    scored.scores.push(card.scorePoints)
    this.relations.observe({ topic: 'payments', event, status: 'screened', habitDistanceCenti: null, streamTimeMs: this.streamTimeMs })
  }

  private learn(event: OutcomeView, topic: RawTopic): void {
    if (topic !== 'outcomes') throw new Error(`no ${topic} in these files`)
    this.profiles.observe('outcomes', event, { late: false, facts: this.facts })
    const habitDistanceCenti = this.profiles.lastOutcomeHabitDistanceCenti
    this.relations.observe({ topic, event, status: 'observed', habitDistanceCenti, streamTimeMs: this.streamTimeMs })
    const row = this.rowOf.get(event.subjectEventId)
    if (event.label === 'fraud' && row !== undefined) this.scored.frauds.add(row)
  }

  private customer(accountId: string): number {
    const known = this.customerOf.get(accountId)
    if (known !== undefined) return known
    const digits = Number(accountId.slice(2))
    const customer = Number.isInteger(digits) ? digits : this.customerOf.size
    this.customerOf.set(accountId, customer)
    return customer
  }
}

/** What relations published and is old enough to be seen. */
class VisibleFacts implements FactView {
  private readonly counterparties = new Map<string, CounterpartyFact>()
  private readonly devices = new Map<string, DeviceFact>()

  show({ kind, key, value }: ChangedFact): void {
    if (kind === 'counterparty') this.counterparties.set(key, decodeCounterpartyFact(value))
    else this.devices.set(key, decodeDeviceFact(value))
  }

  counterparty(bytes: Uint8Array, counterpartyId: TokenSpan): CounterpartyFact | undefined {
    return this.counterparties.get(spanText(bytes, counterpartyId, true))
  }

  device(bytes: Uint8Array, deviceId: TokenSpan): DeviceFact | undefined {
    return this.devices.get(spanText(bytes, deviceId, true))
  }
}
