/** A message on its way out. */
export interface OutgoingMessage {
  /** As the publisher takes it: with or without a prefix. */
  readonly topic: string
  readonly partition: number
  /** UTF-8 of the account id; null where none could be told. */
  readonly key: Uint8Array | null
  readonly value: Uint8Array
  readonly headers: Readonly<Record<string, string>>
}

/** Where a message lies once it is published. */
export interface PublishedAt {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/**
 * Port of whatever messages are published to. Resolves once every message is durable there, in the order given within each partition; a rejection
 * says nothing of which are. Throws `RiskError`s; a retriable one is answered with the same messages again.
 */
export interface Publisher {
  publish(messages: readonly OutgoingMessage[]): Promise<readonly PublishedAt[]>
}

/** Port of who reads back what was published, for a dispatcher that has lost its own position. */
export interface PublishedTail {
  /** Headers of the newest messages of a topic's partition, at most `maxMessages`; none where it holds none or does not exist. */
  newest(
    topic: string,
    options: { readonly partition: number; readonly maxMessages: number },
  ): Promise<readonly Readonly<Record<string, string>>[]>
}
