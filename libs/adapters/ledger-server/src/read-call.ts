import { randomUUID } from 'node:crypto'
import { StreamIdentifier } from '@eventstore/db-client/generated/shared_pb'
import { ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb'
import type { ServerWritableStream } from '@grpc/grpc-js'
import { AllCursor, StreamCursor, type EventCursor } from './event-cursor'
import { grpcFailure } from './grpc-failure'
import type { LedgerBook } from './ledger-book'
import { EventEncoder } from './read-answer'
import { readRequest, type ReadRequest } from './read-request'

/** Events behind at which a subscriber that had caught up is told that it fell behind. */
const FELL_BEHIND_EVENTS = 1_000

/** Serves one Read call: a finite read, or a subscription until the caller ends it. */
export async function serveRead(call: ServerWritableStream<Buffer, Buffer>, book: LedgerBook): Promise<void> {
  const reading = new Reading(call, book)
  try {
    await reading.run(readRequest(ReadReq.deserializeBinary(call.request)))
    if (!reading.closed) call.end()
  } catch (cause) {
    if (!reading.closed) call.emit('error', grpcFailure(cause))
  }
}

class Reading {
  closed = false
  private wake: () => void = () => undefined
  private sinceCheckpoint = 0
  private lastExamined = 0

  constructor(
    private readonly call: ServerWritableStream<Buffer, Buffer>,
    private readonly book: LedgerBook,
  ) {
    const close = (): void => {
      this.closed = true
      this.wake()
    }
    call.on('cancelled', close)
    call.on('close', close)
    call.on('error', close)
    call.on('drain', () => this.wake())
  }

  async run(request: ReadRequest): Promise<void> {
    if (request.subscription) return this.subscribe(request)
    const last = request.stream === undefined ? undefined : this.book.lastVisibleAppend(request.stream)
    if (request.stream !== undefined && last === undefined) {
      await this.send(streamNotFound(request.stream))
      return
    }
    await this.sendRuns(cursorOf(this.book, request), request)
    if (last !== undefined && request.wantsLastPosition) {
      const answer = new ReadResp()
      answer.setLastStreamPosition(String(last.lastRevision))
      await this.send(Buffer.from(answer.serializeBinary()))
    }
  }

  private async subscribe(request: ReadRequest): Promise<void> {
    let advanced = false
    const unlisten = this.book.onVisible(() => {
      advanced = true
      this.wake()
    })
    try {
      // The cursor is made before the confirmation, so that "from the end" means the end at the time of the call.
      const cursor = cursorOf(this.book, request)
      await this.send(confirmation())
      let live = false
      while (!this.closed) {
        advanced = false
        live = await this.sendRuns(cursor, request, live)
        if (!live) {
          await this.sendCheckpoint(request)
          await this.send(caughtUp())
          live = true
        }
        while (!advanced && !this.closed) await this.woken()
      }
    } finally {
      unlisten()
    }
  }

  /** Sends what the cursor gives until nothing visible is left. Returns false where a live reader fell behind meanwhile. */
  private async sendRuns(cursor: EventCursor, request: ReadRequest, live = false): Promise<boolean> {
    const encoder = new EventEncoder(request.structuredIds)
    let left = request.maxCount
    for (let run = cursor.next(); run !== undefined && left > 0 && !this.closed; run = cursor.next()) {
      if (live && this.book.visiblePosition - run.view.lastPosition > FELL_BEHIND_EVENTS) {
        await this.send(fellBehind())
        live = false
      }
      const step = run.first <= run.last ? 1 : -1
      for (let index = run.first; step > 0 ? index <= run.last : index >= run.last; index += step) {
        this.sinceCheckpoint++
        this.lastExamined = run.view.firstPosition + index
        if (request.filter === undefined || request.filter(run.view, index)) {
          if (!this.call.write(encoder.encode(run.view, index))) await this.drained()
          if (--left <= 0) break
        }
        if (this.sinceCheckpoint >= request.checkpointEvents) await this.sendCheckpoint(request)
        if (this.closed) break
      }
    }
    return live
  }

  private async sendCheckpoint(request: ReadRequest): Promise<void> {
    if (!request.subscription || request.filter === undefined || this.sinceCheckpoint === 0) {
      this.sinceCheckpoint = 0
      return
    }
    this.sinceCheckpoint = 0
    const answer = new ReadResp()
    const checkpoint = new ReadResp.Checkpoint()
    checkpoint.setCommitPosition(String(this.lastExamined))
    checkpoint.setPreparePosition(String(this.lastExamined))
    answer.setCheckpoint(checkpoint)
    await this.send(Buffer.from(answer.serializeBinary()))
  }

  private async send(answer: Buffer): Promise<void> {
    if (!this.closed && !this.call.write(answer)) await this.drained()
  }

  private async drained(): Promise<void> {
    while (this.call.writableNeedDrain && !this.closed) await this.woken()
  }

  private woken(): Promise<void> {
    return new Promise((resolve) => (this.wake = resolve))
  }
}

/**
 * Where a read begins. A subscription goes on *after* the place that the caller names; a forward read begins at it. Backwards in
 * `$all`, a position stands before the event that it names, as the server's log reader has it.
 */
function cursorOf(book: LedgerBook, { stream, from, direction, subscription }: ReadRequest): EventCursor {
  const offset = subscription ? 1 : 0
  if (stream === undefined) {
    const end = book.visiblePosition
    if (direction === 'backwards')
      return new AllCursor(book, { position: from === 'end' ? end : from === 'start' ? 0 : from - 1, direction })
    return new AllCursor(book, { position: from === 'end' ? end + 1 : from === 'start' ? 1 : from + offset, direction })
  }
  const last = book.lastVisibleAppend(stream)?.lastRevision ?? -1
  if (direction === 'backwards')
    return new StreamCursor(book, stream, { revision: from === 'end' ? last : from === 'start' ? 0 : from, direction })
  return new StreamCursor(book, stream, { revision: from === 'end' ? last + 1 : from === 'start' ? 0 : from + offset, direction })
}

function confirmation(): Buffer {
  const answer = new ReadResp()
  const confirmed = new ReadResp.SubscriptionConfirmation()
  confirmed.setSubscriptionId(randomUUID())
  answer.setConfirmation(confirmed)
  return Buffer.from(answer.serializeBinary())
}

function caughtUp(): Buffer {
  const answer = new ReadResp()
  answer.setCaughtUp(new ReadResp.CaughtUp())
  return Buffer.from(answer.serializeBinary())
}

function fellBehind(): Buffer {
  const answer = new ReadResp()
  answer.setFellBehind(new ReadResp.FellBehind())
  return Buffer.from(answer.serializeBinary())
}

function streamNotFound(stream: string): Buffer {
  const answer = new ReadResp()
  const notFound = new ReadResp.StreamNotFound()
  const identifier = new StreamIdentifier()
  identifier.setStreamName(Buffer.from(stream))
  notFound.setStreamIdentifier(identifier)
  answer.setStreamNotFound(notFound)
  return Buffer.from(answer.serializeBinary())
}
