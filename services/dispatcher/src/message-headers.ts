import type { DispatchPlace } from './dispatch-position'

/** Identity of the message: the same input of the same journal has the same id however often it is published. */
export const ID_HEADER = 'riskledger-id'
/** The event's id; left out where none could be told. */
export const EVENT_HEADER = 'riskledger-event-id'
/** The decision's id; left out where there is none. */
export const DECISION_HEADER = 'riskledger-decision-id'
/** Stream, revision and id of the journal entry that holds the input. */
export const STREAM_HEADER = 'riskledger-stream'
export const REVISION_HEADER = 'riskledger-revision'
export const ENTRY_HEADER = 'riskledger-entry-id'
/** `<revision>/<sequence>` of the first input that was published in one call with this one: everything before it was published before. */
export const BATCH_HEADER = 'riskledger-batch'

/** What `BATCH_HEADER` says. */
export function formatBatch({ revision, sequence }: DispatchPlace): string {
  return `${revision}/${sequence}`
}

/** Reads `BATCH_HEADER`; null where it is none of ours. */
export function parseBatch(text: string | undefined): DispatchPlace | null {
  const match = /^(\d{1,15})\/(\d{1,15})$/.exec(text ?? '')
  return match === null ? null : { revision: Number(match[1]), sequence: Number(match[2]) }
}
