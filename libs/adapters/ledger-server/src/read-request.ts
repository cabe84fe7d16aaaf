import { ReadReq } from '@eventstore/db-client/generated/streams_pb'
import type { AppendView } from './append-record'

/** Whether an event passes a filter. */
type EventFilter = (view: AppendView, index: number) => boolean

/** What a Read call asks for, checked. */
export interface ReadRequest {
  /** Undefined: `$all`. */
  readonly stream: string | undefined
  /** Revision, or position in `$all`: where the caller stands; for `start` and `end` the names. */
  readonly from: number | 'start' | 'end'
  readonly direction: 'forwards' | 'backwards'
  /** Infinity for a subscription. */
  readonly maxCount: number
  readonly subscription: boolean
  readonly filter: EventFilter | undefined
  /** Events examined between two checkpoints of a filtered subscription. */
  readonly checkpointEvents: number
  readonly structuredIds: boolean
  /** The caller understands the message with the stream's last position. */
  readonly wantsLastPosition: boolean
}

/** The request cannot be served as it stands; the message says why. */
export class InvalidRequestError extends Error {
  override readonly name = 'InvalidRequestError'
}

const DEFAULT_SEARCH_WINDOW = 32

/** Checks a Read call's options. Throws `InvalidRequestError`. */
export function readRequest(request: ReadReq): ReadRequest {
  const options = request.getOptions()
  if (options === undefined) throw new InvalidRequestError('the read has no options')
  const subscription = options.hasSubscription()
  const direction = options.getReadDirection() === ReadReq.Options.ReadDirection.FORWARDS ? 'forwards' : 'backwards'
  if (subscription && direction === 'backwards') throw new InvalidRequestError('a subscription cannot run backwards')
  const filterOptions = options.getFilter()
  const window = filterOptions?.hasMax() ? filterOptions.getMax() : DEFAULT_SEARCH_WINDOW
  return {
    ...readStart(options),
    direction,
    maxCount: subscription ? Infinity : Number(options.getCount()),
    subscription,
    filter: filterOptions === undefined ? undefined : eventFilter(filterOptions),
    checkpointEvents: Math.max(1, window * Math.max(1, filterOptions?.getCheckpointintervalmultiplier() ?? 1)),
    structuredIds: options.getUuidOption()?.hasStructured() ?? false,
    wantsLastPosition: (options.getControlOption()?.getCompatibility() ?? 0) > 0,
  }
}

function readStart(options: ReadReq.Options): Pick<ReadRequest, 'stream' | 'from'> {
  const all = options.getAll()
  if (all !== undefined) {
    const from = all.hasStart() ? 'start' : all.hasEnd() ? 'end' : Number(all.getPosition()?.getCommitPosition() ?? 0)
    return { stream: undefined, from }
  }
  const one = options.getStream()
  if (one === undefined) throw new InvalidRequestError('the read names neither a stream nor $all')
  const stream = Buffer.from(one.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString('utf8')
  if (stream === '') throw new InvalidRequestError('the read names no stream')
  const from = one.hasStart() ? 'start' : one.hasEnd() ? 'end' : Number(one.getRevision())
  return { stream, from }
}

function eventFilter(filter: ReadReq.Options.FilterOptions): EventFilter {
  const byStream = filter.getStreamIdentifier()
  const expression = byStream ?? filter.getEventType()
  if (expression === undefined) throw new InvalidRequestError('the filter names neither stream nor event type')
  const matches = textMatcher(expression)
  if (byStream === undefined) {
    return (view, index) => {
      const event = view.event(index)
      return matches(view.bytes.toString('utf8', event.typeStart, event.metadataStart))
    }
  }
  // All events of an append are of one stream: decide once for each.
  let last: AppendView | undefined
  let verdict = false
  return (view) => {
    if (view !== last) {
      last = view
      verdict = matches(view.stream)
    }
    return verdict
  }
}

function textMatcher(expression: ReadReq.Options.FilterOptions.Expression): (text: string) => boolean {
  const prefixes = expression.getPrefixList()
  if (prefixes.length > 0) return (text) => prefixes.some((prefix) => text.startsWith(prefix))
  try {
    const pattern = new RegExp(expression.getRegex(), 'u')
    return (text) => pattern.test(text)
  } catch (cause) {
    throw new InvalidRequestError(`the filter's regular expression is not valid: ${String(cause)}`)
  }
}
