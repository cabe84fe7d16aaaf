import { decodeRisk, type RiskEvents } from '@riskledger/events'
import type { KafkaMessage } from 'kafkajs'
import type { SeenInput } from './check-journal'
import { readTopics } from './read-topics'

/** What the topic of verdicts was found to hold. */
export interface VerdictCheck {
  readonly messages: number
  /** Messages that came again. */
  readonly repeated: number
  /** Inputs of the journals of which no verdict is published (yet). */
  readonly missing: number
  readonly faults: readonly string[]
}

export interface CheckVerdictsOptions {
  readonly brokers: readonly string[]
  readonly prefix: string
  readonly groupId: string
  /** Of all journals. */
  readonly inputs: readonly SeenInput[]
}

/** An input as its first message tells it. */
interface Told {
  readonly id: string
  readonly value: string
}

/** A message of the topic, as kafkajs gives it. */
type VerdictMessage = Pick<KafkaMessage, 'key' | 'value' | 'headers'>

/**
 * Holds `risk.verdicts` against the journals: every input is told at least once, as the journal has it and under its account as key; again only under the
 * same id with the same bytes; and first told in the journal's order within each account. Tells fifty faults at most.
 */
export async function checkVerdicts({ inputs, prefix, ...options }: CheckVerdictsOptions): Promise<VerdictCheck> {
  const walk = new VerdictWalk(inputs)
  await readTopics({
    ...options,
    topics: [`${prefix}risk.verdicts`],
    onMessage: ({ partition, offset }, message) => walk.take({ partition, offset }, message),
  })
  return walk.finish()
}

/** The topic of verdicts, message by message. */
export class VerdictWalk {
  private readonly journaled: ReadonlyMap<string, SeenInput>
  private readonly told = new Map<string, Told>()
  private readonly ids = new Map<string, string>()
  /** By journal and account, the highest sequence that was told. */
  private readonly reached = new Map<string, number>()
  private readonly faults: string[] = []
  private messages = 0

  constructor(inputs: readonly SeenInput[]) {
    this.journaled = new Map(inputs.map((input) => [`${input.partition}/${input.sequence}`, input]))
  }

  take({ partition, offset }: { readonly partition: number; readonly offset: number }, { key, value, headers }: VerdictMessage): void {
    this.messages++
    const at = `risk.verdicts/${partition}@${offset}`
    const decoded = decodeRisk('VerdictPublished', value ?? new Uint8Array())
    if (decoded.kind === 'rejected') return void this.faults.push(`${at} cannot be read: ${decoded.reason}`)
    const { event } = decoded
    const place = `${event.partition}/${event.sequence}`
    const id = headers?.['riskledger-id']?.toString() ?? ''
    const bytes = value!.toString('base64')
    const keyed = key?.toString() ?? null
    if (keyed !== event.accountId) this.faults.push(`${at} tells ${place} of the account ${event.accountId} under the key ${keyed}`)
    const before = this.told.get(place)
    if (before !== undefined) {
      if (before.id !== id || before.value !== bytes) this.faults.push(`${at} tells ${place} again, and otherwise`)
      return
    }
    if (id === '' || this.ids.has(id)) this.faults.push(`${at} tells ${place} under the id ${id} of ${this.ids.get(id)}`)
    this.told.set(place, { id, value: bytes })
    this.ids.set(id, place)
    this.follow(at, { partition, event })
    const difference = differs(event, this.journaled.get(place))
    if (difference !== null) this.faults.push(`${at} tells ${place} with ${difference}`)
  }

  finish(): VerdictCheck {
    const { messages, told, journaled, faults } = this
    return { messages, repeated: messages - told.size, missing: journaled.size - told.size, faults: faults.slice(0, 50) }
  }

  /** Within an account the journal's order is kept; what tells no account is of one. */
  private follow(at: string, { partition, event }: { readonly partition: number; readonly event: RiskEvents['VerdictPublished'] }): void {
    const account = `${partition}/${event.partition}/${event.accountId ?? ''}`
    const reached = this.reached.get(account) ?? 0
    if (reached >= event.sequence) this.faults.push(`${at} tells ${event.partition}/${event.sequence} after ${reached} of the same account`)
    this.reached.set(account, event.sequence)
  }
}

function differs(event: RiskEvents['VerdictPublished'], input: SeenInput | undefined): string | null {
  if (input === undefined) return 'nothing of it in the journal'
  for (const field of ['topic', 'offset', 'brokerTimeMs', 'eventId', 'accountId', 'status', 'verdict', 'scorePoints'] as const)
    if (event[field] !== input[field]) return `${field} ${event[field]}, and the journal has ${input[field]}`
  const [told, journaled] = [event.reasonCodes.join(', '), input.reasonCodes.join(', ')]
  return told === journaled ? null : `the reason codes "${told}", and the journal has "${journaled}"`
}
