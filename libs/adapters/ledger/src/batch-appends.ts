import { randomUUID } from 'node:crypto'
import { convertToCommandError, type EventStoreDBClient } from '@eventstore/db-client'
import type { ExpectedRevision, ProposedEntry } from '@riskledger/contracts'
import { readBatchAnswer } from './batch-append-answer'
import { encodeBatchAppend } from './batch-append-request'
import { batchAppendCalls, deadlineOf, type BatchAppendCall } from './client-calls'

interface Waiting {
  readonly resolve: (revision: number) => void
  readonly reject: (cause: unknown) => void
}

/**
 * Appends over one call of the client, as its `appendToStream` does, except that messages are made and read here: byte for byte where
 * the client parses JSON, writes it again, and serialises every entry twice.
 */
export class BatchAppends {
  private readonly waiting = new Map<string, Waiting>()
  private readonly call: () => Promise<BatchAppendCall>

  constructor(private readonly client: EventStoreDBClient) {
    this.call = batchAppendCalls(client, (call) => this.listen(call))
  }

  /** Resolves to the stream's last revision; rejects with the client's errors. */
  async append(stream: string, expected: ExpectedRevision, entries: readonly ProposedEntry[]): Promise<number> {
    const call = await this.call()
    const correlationId = randomUUID()
    const message = encodeBatchAppend({ correlationId, stream, expected, deadlineMs: deadlineOf(this.client).getTime(), entries })
    return new Promise((resolve, reject) => {
      this.waiting.set(correlationId, { resolve, reject })
      // What is not taken yet waits in the call; the limit on appends in flight bounds it.
      call.write(message)
    })
  }

  private listen(call: BatchAppendCall): void {
    call.on('data', (bytes: Buffer) => this.answered(bytes))
    call.on('error', (cause) => this.failAll(convertToCommandError(cause)))
  }

  private answered(bytes: Buffer): void {
    const { correlationId, outcome } = readBatchAnswer(bytes)
    const waiting = this.waiting.get(correlationId)
    if (waiting === undefined) return
    this.waiting.delete(correlationId)
    if ('failure' in outcome) waiting.reject(outcome.failure)
    else waiting.resolve(outcome.revision)
  }

  private failAll(cause: unknown): void {
    const failed = [...this.waiting.values()]
    this.waiting.clear()
    for (const { reject } of failed) reject(cause)
  }
}
