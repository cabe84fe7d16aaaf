/** Bounds of producing. */
export interface ProducerLimits {
  /** A batch closes before it exceeds this; one larger record has a batch to itself. Keep it below the topics' max.message.bytes. Default 512 KiB. */
  readonly maxBatchBytes: number
  /** Batches of one request together, beyond the first. Default 4 MiB. */
  readonly maxRequestBytes: number
  /** Key and value of a record together; more is refused with `record-too-large`. Default 1,000,000 B, what Kafka takes by default. */
  readonly maxRecordBytes: number
  /** What waits to be acknowledged; more is refused with `limit-reached`. Default 64 MiB. */
  readonly maxPendingBytes: number
  /**
   * A batch whose first record was given this long ago is not sent again: once an attempt fails, it fails with `log-unavailable`, and so does every other of its
   * partition that is as old. Default 30,000 ms.
   */
  readonly deliveryTimeoutMs: number
}

/** The limits where nothing else is said. */
export const PRODUCER_DEFAULTS: ProducerLimits = {
  maxBatchBytes: 512 * 1024,
  maxRequestBytes: 4 * 1024 * 1024,
  maxRecordBytes: 1_000_000,
  maxPendingBytes: 64 * 1024 * 1024,
  deliveryTimeoutMs: 30_000,
}
