import type { EventTopic, InputStatus, RawTopic } from '@riskledger/contracts'

/** Topics that tell something of a counterparty or a device. */
export const RELATIONS_TOPICS = ['payments', 'logins', 'p2p-trades', 'outcomes', 'risk-alerts'] as const satisfies readonly EventTopic[]

/** What an input that counts for relations was accepted as. */
export type CountedStatus = Extract<InputStatus, 'screened' | 'observed' | 'late'>

/** True where relations take in an input that was accepted so. Of what is late, reports alone: they are true however long they took. */
export function countsForRelations(topic: RawTopic, status: InputStatus): status is CountedStatus {
  if (status === 'late') return topic === 'outcomes' || topic === 'risk-alerts'
  return (status === 'screened' || status === 'observed') && (RELATIONS_TOPICS as readonly RawTopic[]).includes(topic)
}
