import type { EventTopic } from '@riskledger/contracts'
import type { RawEvents } from '@riskledger/events'
import type { RawEvent } from './screening-step'

const ID_OF: { readonly [T in EventTopic]: (event: RawEvents[T]) => string } = {
  payments: (event) => event.paymentId,
  logins: (event) => event.loginId,
  'p2p-trades': (event) => event.tradeId,
  'risk-alerts': (event) => event.alertId,
  'liveness-results': (event) => event.checkId,
  outcomes: (event) => event.outcomeId,
  'account-profiles': (event) => event.accountId,
  'case-actions': (event) => event.actionId,
  answers: (event) => event.inputEventId,
}

/** The id by which people know what an event of a topic is about. */
export function businessIdOf(topic: EventTopic, event: RawEvent): string {
  return (ID_OF[topic] as (event: RawEvent) => string)(event)
}
