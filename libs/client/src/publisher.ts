import { RiskError, type EventTopic, type Logger } from '@riskledger/contracts'
import { encodeRaw } from '@riskledger/events'
import type { DeliveryOptions, Receipt } from './delivery'
import type { DeliveryQueue } from './delivery-queue'
import type { SequenceStore, SourceSequence } from './source-sequence'
import { stampEvent, withIdentity, type EventDraft, type PublishedTopic, type Stamp } from './stamp-event'

/** What every publisher is given. */
export interface PublisherOptions extends DeliveryOptions {
  /** Opaque token of the publishing system; stamped on every event. */
  readonly source: string
  /** Where the numbering goes on. Default: in memory, from 1. */
  readonly sequences?: SequenceStore
  /** Is warned where `sequences` fails to save a number, such as `console`. Default: nothing is said until `flush` or `close` rejects. */
  readonly logger?: Pick<Logger, 'warn'>
  /** Clock for ids and for events without a time, epoch milliseconds. Default the machine's. */
  readonly nowMs?: () => number
}

/** Publishes to one topic. */
export interface TopicPublisher<Topic extends PublishedTopic> {
  /**
   * Stamps, checks and publishes an event; resolves once the log has it. A number that `sequences` fails to save does not change that: `logger` is warned,
   * and it is saved with the next. Rejects with `input-rejected` before anything is sent where the event is not as its
   * schema says, `limit-reached` (retriable) where too many wait, `cancelled` after `close`, and with what the transport says once it is given up.
   */
  publish(event: EventDraft<Topic>): Promise<Receipt>
}

/** Publishes events of one source. Events are delivered in the order in which they were published. */
export interface Publisher {
  readonly payments: TopicPublisher<'payments'>
  readonly logins: TopicPublisher<'logins'>
  readonly p2pTrades: TopicPublisher<'p2p-trades'>
  readonly riskAlerts: TopicPublisher<'risk-alerts'>
  readonly livenessResults: TopicPublisher<'liveness-results'>
  readonly outcomes: TopicPublisher<'outcomes'>
  readonly accountProfiles: TopicPublisher<'account-profiles'>
  readonly caseActions: TopicPublisher<'case-actions'>
  /**
   * Resolves once everything that was published is delivered, refused or given up, and `sequences` has its numbers. Rejects with `ledger-unavailable`
   * (retriable) where the last number could not be saved though it was tried again: the events are settled all the same.
   */
  flush(): Promise<void>
  /** Takes nothing more, delivers what waits, and leaves. Resolves and rejects as `flush` does; it has left in either case. */
  close(): Promise<void>
}

/** A publisher over a queue. */
export function publisherOver(queue: DeliveryQueue, parts: { readonly sequence: SourceSequence; readonly stamp: Stamp }): Publisher {
  const underway = new Set<Promise<Receipt>>()
  const to = <Topic extends PublishedTopic>(topic: Topic): TopicPublisher<Topic> => ({
    publish(draft) {
      const publishing = publish(queue, { ...parts, topic, draft })
      underway.add(publishing)
      return publishing.finally(() => underway.delete(publishing))
    },
  })
  /** The queue is done with an event before its number is saved. */
  const saved = async (published: readonly Promise<Receipt>[]): Promise<void> => {
    await Promise.allSettled(published)
    await parts.sequence.flush()
  }
  return {
    payments: to('payments'),
    logins: to('logins'),
    p2pTrades: to('p2p-trades'),
    riskAlerts: to('risk-alerts'),
    livenessResults: to('liveness-results'),
    outcomes: to('outcomes'),
    accountProfiles: to('account-profiles'),
    caseActions: to('case-actions'),
    async flush() {
      const published = [...underway]
      await queue.flush()
      await saved(published)
    },
    async close() {
      const published = [...underway]
      try {
        await queue.close()
      } finally {
        await saved(published)
      }
    },
  }
}

interface Publishing<Topic extends PublishedTopic> {
  readonly sequence: SourceSequence
  readonly stamp: Stamp
  readonly topic: Topic
  readonly draft: EventDraft<Topic>
}

async function publish<Topic extends PublishedTopic>(
  queue: DeliveryQueue,
  { sequence, stamp, topic, draft }: Publishing<Topic>,
): Promise<Receipt> {
  if (queue.isClosed) throw new RiskError('cancelled', 'The publisher is closed: connect another.', { retriable: false })
  const checked = stampEvent(topic, draft, stamp)
  const bytes = encodeRaw<EventTopic>(topic, checked).length
  if (queue.refuses(bytes)) {
    const message = 'As many events wait to be delivered as may: wait for some of them, then publish this one again.'
    throw new RiskError('limit-reached', message, { retriable: true })
  }
  const event = { ...checked, sourceSequence: checked.sourceSequence ?? sequence.next() }
  try {
    return await queue.deliver({ topic, event, bytes })
  } catch (error) {
    throw withIdentity(error, event)
  } finally {
    if (checked.sourceSequence === null) await sequence.settledOrWarned(event.sourceSequence)
  }
}
