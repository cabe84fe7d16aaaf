import { RiskError } from '@riskledger/contracts'
import { ID_HEADER } from '../message-headers'
import type { OutgoingMessage, PublishedAt, PublishedTail, Publisher } from '../publisher'

/** What a test may do to a call: let it pass, refuse it, break in the middle of it, or lose its answer. */
export type PublishFault = 'none' | 'unavailable' | 'half' | 'answer-lost'

/** A broker in memory: messages by topic and partition, in the order in which they were published. */
export class MemoryBroker implements Publisher, PublishedTail {
  readonly calls: (readonly OutgoingMessage[])[] = []
  /** Asked before each call: what shall go wrong with it. */
  fault: () => PublishFault = () => 'none'
  /** Awaited before each call takes effect. */
  gate: () => Promise<void> = () => Promise.resolve()
  private readonly partitions = new Map<string, OutgoingMessage[]>()

  async publish(messages: readonly OutgoingMessage[]): Promise<readonly PublishedAt[]> {
    await this.gate()
    const fault = this.fault()
    if (fault === 'unavailable') throw unavailable()
    this.calls.push(messages)
    // Partitions are led by different brokers: of a call that breaks, some have all of theirs and others nothing.
    const kept = fault === 'half' ? messages.filter(({ partition }) => partition === messages[messages.length - 1].partition) : messages
    const at = kept.map((message) => this.put(message))
    if (fault !== 'none') throw unavailable()
    return at
  }

  newest(
    topic: string,
    { partition, maxMessages }: { readonly partition: number; readonly maxMessages: number },
  ): Promise<readonly Readonly<Record<string, string>>[]> {
    return Promise.resolve(
      this.messagesOf(topic, partition)
        .slice(-maxMessages)
        .map(({ headers }) => headers),
    )
  }

  messagesOf(topic: string, partition = 0): readonly OutgoingMessage[] {
    return this.partitions.get(`${topic}/${partition}`) ?? []
  }

  /** The ids of a partition's messages, each at its first place. */
  firstIds(topic: string, partition = 0): readonly string[] {
    return [...new Set(this.messagesOf(topic, partition).map(({ headers }) => headers[ID_HEADER]))]
  }

  private put(message: OutgoingMessage): PublishedAt {
    const { topic, partition } = message
    const key = `${topic}/${partition}`
    const held = this.partitions.get(key) ?? []
    this.partitions.set(key, held)
    held.push(message)
    return { topic, partition, offset: held.length - 1 }
  }
}

function unavailable(): RiskError {
  return new RiskError('log-unavailable', 'the broker does not answer', { retriable: true })
}
