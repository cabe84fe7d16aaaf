import { Empty, StreamIdentifier } from '@eventstore/db-client/generated/shared_pb'
import { ReadReq } from '@eventstore/db-client/generated/streams_pb'
import type { ReadStreamOptions } from '@riskledger/contracts'

/** The place in a stream or in `$all` after which a subscription goes on. */
export type Position = { readonly commit: bigint; readonly prepare: bigint }

const CHECKPOINT_INTERVAL = 32

/** Reads one stream, as the client's `readStream` asks for it. */
export function streamRead(stream: string, { from, direction, maxCount = Number.MAX_SAFE_INTEGER }: ReadStreamOptions): ReadReq {
  const options = unfiltered()
  options.setStream(streamOptions(stream, from))
  return counted(options, { maxCount, direction })
}

/** Reads `$all` from its start, as the client's `readAll` asks for it. */
export function allRead(maxCount: number): ReadReq {
  const options = unfiltered()
  options.setAll(allOptions('start'))
  return counted(options, { maxCount, direction: 'forwards' })
}

/** Follows one stream, as the client's `subscribeToStream` asks for it. */
export function streamSubscription(stream: string, after: number | 'start'): ReadReq {
  const options = unfiltered()
  options.setStream(streamOptions(stream, after))
  return following(options)
}

/** Follows the streams of `$all` whose names begin with one of the prefixes, as the client's `subscribeToAll` asks for it. */
export function allSubscription(after: Position | 'start', streamPrefixes: readonly string[]): ReadReq {
  const names = new ReadReq.Options.FilterOptions.Expression()
  names.setPrefixList([...streamPrefixes])
  const filter = new ReadReq.Options.FilterOptions()
  filter.setStreamIdentifier(names)
  filter.setCount(new Empty())
  filter.setCheckpointintervalmultiplier(CHECKPOINT_INTERVAL)
  const options = withTextIds()
  options.setFilter(filter)
  options.setAll(allOptions(after))
  return following(options)
}

function withTextIds(): ReadReq.Options {
  const ids = new ReadReq.Options.UUIDOption()
  ids.setString(new Empty())
  const options = new ReadReq.Options()
  options.setUuidOption(ids)
  options.setResolveLinks(false)
  return options
}

function unfiltered(): ReadReq.Options {
  const options = withTextIds()
  options.setNoFilter(new Empty())
  return options
}

function streamOptions(stream: string, from: number | 'start' | 'end'): ReadReq.Options.StreamOptions {
  const identifier = new StreamIdentifier()
  identifier.setStreamName(Uint8Array.from(Buffer.from(stream, 'utf8')))
  const options = new ReadReq.Options.StreamOptions()
  options.setStreamIdentifier(identifier)
  if (from === 'start') options.setStart(new Empty())
  else if (from === 'end') options.setEnd(new Empty())
  else options.setRevision(String(from))
  return options
}

function allOptions(from: Position | 'start'): ReadReq.Options.AllOptions {
  const options = new ReadReq.Options.AllOptions()
  if (from === 'start') {
    options.setStart(new Empty())
    return options
  }
  const position = new ReadReq.Options.Position()
  position.setCommitPosition(String(from.commit))
  position.setPreparePosition(String(from.prepare))
  options.setPosition(position)
  return options
}

function counted(
  options: ReadReq.Options,
  { maxCount, direction }: { readonly maxCount: number; readonly direction: 'forwards' | 'backwards' },
): ReadReq {
  options.setCount(String(maxCount))
  const { FORWARDS, BACKWARDS } = ReadReq.Options.ReadDirection
  options.setReadDirection(direction === 'forwards' ? FORWARDS : BACKWARDS)
  return requestOf(options)
}

function following(options: ReadReq.Options): ReadReq {
  options.setSubscription(new ReadReq.Options.SubscriptionOptions())
  return requestOf(options)
}

function requestOf(options: ReadReq.Options): ReadReq {
  const request = new ReadReq()
  request.setOptions(options)
  return request
}
