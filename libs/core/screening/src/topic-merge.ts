import type { LogRecord } from '@riskledger/contracts'
import { eventTimeOf } from '@riskledger/events'

/** A record with what the merge needs to know of it. */
export interface MergeItem {
  readonly record: LogRecord
  /** Event time, never past what its broker time allows; broker time where there is no event to read. */
  readonly eventTimeMs: number
  /** Order time of a file's record, else its event time. */
  readonly orderTimeMs: number
}

interface Queue {
  records: readonly LogRecord[]
  next: number
  head: MergeItem | null
}

/**
 * Merges the topics of one partition into one order: the head with the smallest (order time, event time, topic) goes first.
 *
 * ```
 * payments   1 . . 4 . 6      order times
 * logins     . 2 3 . . 6   →  1 2 3 4 6(payments) 6(logins)
 * ```
 *
 * An item is only given out below the `bound`: with a file as the source, what it has announced; else without end. The caller sees to it that
 * a topic without records here has none in the log either, so that nothing earlier can still come.
 */
export class TopicMerge {
  private readonly queues: Queue[]

  constructor(topicCount: number) {
    this.queues = Array.from({ length: topicCount }, () => ({ records: [], next: 0, head: null }))
  }

  /** Records waiting on a topic. */
  waiting(topic: number): number {
    const queue = this.queues[topic]
    return queue.records.length - queue.next
  }

  /** Adds the records that follow on a topic, in order of offset. */
  offer(topic: number, records: readonly LogRecord[]): void {
    const queue = this.queues[topic]
    queue.records = queue.next === queue.records.length ? records : [...queue.records.slice(queue.next), ...records]
    queue.next = 0
    if (queue.head === null && records.length > 0) queue.head = mergeItem(queue.records[0])
  }

  /** The topic whose head goes first, or -1 where none may go. Items with an order time at or above `boundMs` stay. */
  first(boundMs: number): number {
    let best = -1
    let bestItem: MergeItem | null = null
    for (let topic = 0; topic < this.queues.length; topic++) {
      const head = this.queues[topic].head
      if (head === null || head.orderTimeMs >= boundMs) continue
      if (
        bestItem === null ||
        head.orderTimeMs < bestItem.orderTimeMs ||
        (head.orderTimeMs === bestItem.orderTimeMs && head.eventTimeMs < bestItem.eventTimeMs)
      ) {
        best = topic
        bestItem = head
      }
    }
    return best
  }

  peek(topic: number): MergeItem {
    return this.queues[topic].head!
  }

  /** Takes the head of a topic. */
  take(topic: number): MergeItem {
    const queue = this.queues[topic]
    const head = queue.head!
    queue.next++
    queue.head = queue.next < queue.records.length ? mergeItem(queue.records[queue.next]) : null
    return head
  }
}

/** What the merge needs to know of a record. Where its event time cannot be read, it stands at its broker time. */
export function mergeItem(record: LogRecord): MergeItem {
  const { brokerTimeMs } = record
  const timeMs = record.topic === 'unparsable' ? null : eventTimeOf(record.topic, record.value)
  const eventTimeMs = timeMs === null || timeMs > brokerTimeMs ? brokerTimeMs : timeMs
  return { record, eventTimeMs, orderTimeMs: record.orderTimeMs ?? eventTimeMs }
}
