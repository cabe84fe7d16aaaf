import { status, type ServerDuplexStream, type ServerReadableStream, type sendUnaryData } from '@grpc/grpc-js'
import { appendOutcome, batchOutcome, batchTooLarge } from './append-answers'
import { buildRecord } from './build-record'
import { readAppend, readBatchAppend, type BatchAppendMessage, type Expected, type ProposedRange } from './append-request'
import { grpcFailure } from './grpc-failure'
import type { LedgerBook } from './ledger-book'

/** What the append calls stand on. */
export interface AppendCallOptions {
  readonly book: LedgerBook
  /** Largest append, in bytes of types, metadata and data. */
  readonly maxAppendBytes: number
  /** Largest number of unanswered bytes of one call; above it the server stops reading from that caller. */
  readonly maxPendingBytes: number
  /** Wall clock, epoch milliseconds. */
  readonly nowMs: () => number
}

/** One append under assembly; its events may come in several messages. */
interface Assembly {
  readonly stream: string
  readonly expected: Expected
  readonly proposed: ProposedRange[]
  bytes: number
}

/** Longest stream name, in bytes: the store's index cannot hold a longer one. */
const MAX_STREAM_NAME_BYTES = 1024

const MAX_ASSEMBLIES = 1024

/** Serves one bidirectional BatchAppend call until the caller ends it. Answers come in the order in which appends became durable. */
export function serveBatchAppend(call: ServerDuplexStream<Buffer, Buffer>, options: AppendCallOptions): void {
  const assemblies = new Map<string, Assembly>()
  let pendingAppends = 0
  let pendingBytes = 0
  let ended = false
  const failCall = (cause: unknown): void => {
    if (ended) return
    ended = true
    call.emit('error', grpcFailure(cause))
  }
  const finish = (message: BatchAppendMessage, assembly: Assembly): void => {
    if (assembly.bytes > options.maxAppendBytes + assembly.proposed.length * MESSAGE_OVERHEAD_BYTES) {
      call.write(batchTooLarge(message.correlation, options.maxAppendBytes, assembly))
      return
    }
    const built = buildRecord(assembly.stream, assembly.proposed, options.nowMs())
    if (built.payloadBytes > options.maxAppendBytes) {
      call.write(batchTooLarge(message.correlation, options.maxAppendBytes, assembly))
      return
    }
    pendingAppends++
    pendingBytes += built.record.length
    if (pendingBytes > options.maxPendingBytes) call.pause()
    options.book
      .append(assembly.stream, assembly.expected, built)
      .then((outcome) => {
        pendingAppends--
        pendingBytes -= built.record.length
        if (ended) return
        call.write(batchOutcome(message.correlation, outcome, assembly))
        if (pendingBytes <= options.maxPendingBytes && call.isPaused()) call.resume()
      })
      .catch(failCall)
  }
  call.on('data', (bytes: Buffer) => {
    try {
      const message = readBatchAppend(bytes)
      const assembly = assemble(assemblies, message, options.maxAppendBytes)
      if (!message.isFinal) return
      assemblies.delete(message.correlationKey)
      if (assembly.proposed.length === 0) throw new RangeError('an append holds no events')
      finish(message, assembly)
    } catch (cause) {
      failCall(cause)
    }
  })
  call.on('cancelled', () => (ended = true))
  call.on('error', () => (ended = true))
  call.on('end', () => {
    if (pendingAppends === 0 || ended) call.end()
    else void options.book.drained().then(() => call.end())
  })
}

// Tags, lengths, the id's text and the two map entries' keys; the exact size is checked again once the record is built.
const MESSAGE_OVERHEAD_BYTES = 160

function assemble(assemblies: Map<string, Assembly>, message: BatchAppendMessage, maxAppendBytes: number): Assembly {
  let assembly = assemblies.get(message.correlationKey)
  if (assembly === undefined) {
    if (message.options === undefined) throw new RangeError("an append's first message has no options")
    checkStreamName(message.options.stream)
    if (assemblies.size >= MAX_ASSEMBLIES) throw new RangeError(`more than ${MAX_ASSEMBLIES} unfinished appends in one call`)
    assembly = { ...message.options, proposed: message.proposed, bytes: 0 }
    if (!message.isFinal) assemblies.set(message.correlationKey, assembly)
  } else if (assembly.bytes <= maxAppendBytes + assembly.proposed.length * MESSAGE_OVERHEAD_BYTES) {
    // Past the limit nothing more is kept: the append is refused anyway, once its last message is in.
    for (const range of message.proposed) assembly.proposed.push(range)
  }
  for (const range of message.proposed) assembly.bytes += range.end - range.start
  return assembly
}

function checkStreamName(stream: string): void {
  if (stream === '' || stream.includes('\u0000')) throw new RangeError("a stream's name is empty or holds a zero byte")
  if (Buffer.byteLength(stream) > MAX_STREAM_NAME_BYTES)
    throw new RangeError(`a stream's name is longer than ${MAX_STREAM_NAME_BYTES} bytes`)
  if (stream.startsWith('$')) throw new RangeError(`stream ${stream} is reserved: names that begin with $ belong to the system`)
}

/** Serves one client-streaming Append call: options first, then one message per event. */
export function serveAppend(call: ServerReadableStream<Buffer, Buffer>, callback: sendUnaryData<Buffer>, options: AppendCallOptions): void {
  let target: { stream: string; expected: Expected } | undefined
  const proposed: ProposedRange[] = []
  let bytes = 0
  let answered = false
  const answer: sendUnaryData<Buffer> = (error, value, metadata) => {
    if (answered) return
    answered = true
    callback(error, value, metadata)
  }
  const tooLarge = (): void => {
    const failure = grpcFailure(new RangeError(`Maximum append size of ${options.maxAppendBytes} bytes exceeded.`))
    failure.metadata.set('exception', 'maximum-append-size-exceeded')
    failure.metadata.set('maximum-append-size', String(options.maxAppendBytes))
    answer({ ...failure, code: status.INVALID_ARGUMENT })
  }
  call.on('data', (message: Buffer) => {
    if (answered) return
    try {
      const part = readAppend(message)
      if (part.options !== undefined) {
        checkStreamName(part.options.stream)
        target = part.options
      }
      if (part.proposed === undefined) return
      proposed.push(part.proposed)
      bytes += part.proposed.end - part.proposed.start
      if (bytes > options.maxAppendBytes + proposed.length * MESSAGE_OVERHEAD_BYTES) tooLarge()
    } catch (cause) {
      answer(grpcFailure(cause))
    }
  })
  call.on('error', () => (answered = true))
  call.on('end', () => {
    if (answered) return
    try {
      if (target === undefined) throw new RangeError('an append has no options')
      if (proposed.length === 0) throw new RangeError('an append holds no events')
      const { stream, expected } = target
      const built = buildRecord(stream, proposed, options.nowMs())
      if (built.payloadBytes > options.maxAppendBytes) return tooLarge()
      options.book.append(stream, expected, built).then(
        (outcome) => answer(null, appendOutcome(outcome, expected)),
        (cause: unknown) => answer(grpcFailure(cause)),
      )
    } catch (cause) {
      answer(grpcFailure(cause))
    }
  })
}
