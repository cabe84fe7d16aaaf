import { decodeRisk, type RiskEvents } from '@riskledger/events'
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

/**
 * Holds `risk.verdicts` against the journals: every input is told at least once, as the journal has it; again only under the same id with the same
 * bytes; and first told in the journal's order within each account. Tells fifty faults at most.
 */
export async function checkVerdicts({ inputs, prefix, ...options }: CheckVerdictsOptions): Promise<VerdictCheck> {
  const journaled = new Map(inputs.map((input) => [`${input.partition}/${input.sequence}`, input]))
  const told = new Map<string, Told>()
  const ids = new Map<string, string>()
  /** By journal and account, the highest sequence that was told. */
  const reached = new Map<string, number>()
  const faults: string[] = []
  let messages = 0
  await readTopics({
    ...options,
    topics: [`${prefix}risk.verdicts`],
    onMessage: ({ partition, offset }, { key, value, headers }) => {
      messages++
      const at = `risk.verdicts/${partition}@${offset}`
      const decoded = decodeRisk('VerdictPublished', value ?? new Uint8Array())
      if (decoded.kind === 'rejected') return void faults.push(`${at} cannot be read: ${decoded.reason}`)
      const { event } = decoded
      const place = `${event.partition}/${event.sequence}`
      const id = headers?.['riskledger-id']?.toString() ?? ''
      const bytes = value!.toString('base64')
      const before = told.get(place)
      if (before !== undefined) {
        if (before.id !== id || before.value !== bytes) faults.push(`${at} tells ${place} again, and otherwise`)
        return
      }
      if (id === '' || ids.has(id)) faults.push(`${at} tells ${place} under the id ${id} of ${ids.get(id)}`)
      told.set(place, { id, value: bytes })
      ids.set(id, place)
      const account = `${partition}/${event.partition}/${key?.toString() ?? ''}`
      if ((reached.get(account) ?? 0) >= event.sequence)
        faults.push(`${at} tells ${place} after ${reached.get(account)} of the same account`)
      reached.set(account, event.sequence)
      const difference = differs(event, journaled.get(place))
      if (difference !== null) faults.push(`${at} tells ${place} with ${difference}`)
    },
  })
  return { messages, repeated: messages - told.size, missing: journaled.size - told.size, faults: faults.slice(0, 50) }
}

function differs(event: RiskEvents['VerdictPublished'], input: SeenInput | undefined): string | null {
  if (input === undefined) return 'nothing of it in the journal'
  for (const field of ['topic', 'offset', 'status', 'verdict'] as const)
    if (event[field] !== input[field]) return `${field} ${event[field]}, and the journal has ${input[field]}`
  return null
}
