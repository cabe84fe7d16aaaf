import { RecordBatchBuilder, type OutgoingRecord } from './record-batch-builder'
import type { ProducerIdentity } from './kafkajs-internals'

/** One call to send: resolves or rejects once nothing of it is on its way any more. */
export class SendCall {
  readonly offsets: number[]
  private left: number
  private error: Error | null = null

  constructor(
    count: number,
    private readonly done: { resolve(offsets: readonly number[]): void; reject(error: Error): void },
  ) {
    this.left = count
    this.offsets = new Array<number>(count).fill(-1)
    if (count === 0) done.resolve([])
  }

  settle(place: number, outcome: number | Error): void {
    if (typeof outcome === 'number') this.offsets[place] = outcome
    else this.error ??= outcome
    if (--this.left > 0) return
    if (this.error === null) this.done.resolve(this.offsets)
    else this.done.reject(this.error)
  }
}

/** A batch on its way, with whose records it holds. */
export class OutgoingBatch {
  readonly builder = new RecordBatchBuilder()
  private readonly calls: SendCall[] = []
  private readonly places: number[] = []
  /** The bytes, once it may be sent: they stay the same until it is acknowledged, and so the broker knows it again. */
  sealed: Buffer | null = null
  /** True once an attempt ended without an answer that says whether the batch was written. */
  doubtful = false

  /** `createdAtMs`: when its first record came, by the producer's clock. */
  constructor(readonly createdAtMs: number) {}

  add(record: OutgoingRecord, { call, place }: { readonly call: SendCall; readonly place: number }): void {
    this.builder.add(record)
    this.calls.push(call)
    this.places.push(place)
  }

  /** Tells every call what became of its records. */
  settle(outcome: number | Error): void {
    this.calls.forEach((call, i) => call.settle(this.places[i], typeof outcome === 'number' ? outcome + i : outcome))
  }
}

/** What waits to be sent to one topic and partition: in order, one batch on its way at a time. */
export class ProduceQueue {
  /** Under which id this partition's batches are numbered; null before the first, and after one whose fate is not known. */
  identity: ProducerIdentity | null = null
  private nextSequence = 0
  private readonly batches: OutgoingBatch[] = []
  flying = false
  failures = 0
  notBeforeMs = 0

  constructor(
    readonly topic: string,
    readonly partition: number,
  ) {}

  get isEmpty(): boolean {
    return this.batches.length === 0
  }

  get first(): OutgoingBatch {
    return this.batches[0]
  }

  /** Adds to the last batch that is not on its way yet, or begins another; returns the bytes that it took. */
  add(
    record: OutgoingRecord,
    by: { readonly call: SendCall; readonly place: number; readonly maxBatchBytes: number; readonly nowMs: number },
  ): number {
    let last = this.batches.at(-1)
    const bytes = (record.key?.length ?? 0) + (record.value?.length ?? 0)
    let before = last?.builder.bytes ?? 0
    if (last === undefined || last.sealed !== null || last.builder.bytes + bytes > by.maxBatchBytes) {
      last = new OutgoingBatch(by.nowMs)
      this.batches.push(last)
      before = 0
    }
    last.add(record, by)
    return last.builder.bytes - before
  }

  /** The bytes of the first batch, sealed for this identity unless they were before. */
  seal(identity: ProducerIdentity): Buffer {
    const batch = this.first
    if (batch.sealed === null) {
      if (this.identity === null) {
        this.identity = identity
        this.nextSequence = 0
      }
      batch.sealed = batch.builder.seal({ ...this.identity, baseSequence: this.nextSequence })
      // Kafka's numbers go on at 0 after 2^31 - 1.
      this.nextSequence = (this.nextSequence + batch.builder.count) % 2 ** 31
    }
    return batch.sealed
  }

  /** Takes the first batch out. */
  shift(): OutgoingBatch {
    this.failures = 0
    this.notBeforeMs = 0
    return this.batches.shift()!
  }

  /** Forgets the identity: whatever comes next is numbered anew, under another. */
  forget(): void {
    this.identity = null
  }
}
