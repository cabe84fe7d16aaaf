import { createHash } from 'node:crypto'
import { RiskError } from '@riskledger/contracts'
import { encodeRaw, parseNdjsonLine } from '@riskledger/events'
import { type Emission, MAX_LINE_BYTES } from './emission'
import { EmissionBlock } from './emission-block'
import { type LatestTime, NO_LATEST_TIME, refusalOfTime } from './future-event'
import { type Block, cutLine } from './read-blocks'

/**
 * Turns the blocks of one file into emissions, in order; what it gives, taken together, does not depend on how the blocks fell. It gives
 * one and the same block of emissions each time, filled anew.
 */
export interface Emitter {
  add(block: Block): EmissionBlock
  /** What is still to be emitted once the file has ended. */
  end(): EmissionBlock
}

/** Emits the events of an NDJSON file, one a line; blank lines are passed over, anything else goes whole to `unparsable`. */
export class NdjsonEmitter implements Emitter {
  private line = 0
  private readonly out = new EmissionBlock()

  constructor(
    private readonly file: string,
    private readonly latest: LatestTime = NO_LATEST_TIME,
  ) {}

  add(block: Block): EmissionBlock {
    const { out } = this
    out.clear()
    if (block.kind === 'long-line') {
      this.line++
      out.push(rejectLongLine(block.kept, { file: this.file, line: this.line }))
      return out
    }
    const { bytes } = block
    for (let start = 0; start < bytes.length;) {
      const feed = bytes.indexOf(10, start)
      const next = feed === -1 ? bytes.length : feed + 1
      let end = feed === -1 ? bytes.length : feed
      if (end > start && bytes[end - 1] === 13) end--
      this.line++
      const emission = this.read(bytes.subarray(start, end), bytes.subarray(start, feed === -1 ? end : feed))
      if (emission !== undefined) out.push(emission)
      start = next
    }
    return out
  }

  end(): EmissionBlock {
    this.out.clear()
    return this.out
  }

  private read(line: Buffer, untrimmed: Buffer): Emission | undefined {
    const where = { file: this.file, line: this.line }
    if (line.length > MAX_LINE_BYTES) return rejectLongLine(cutWhole(untrimmed), where)
    const parsed = parseNdjsonLine(line)
    if (parsed.kind === 'blank') return undefined
    if (parsed.kind === 'rejected') return reject(line, { ...where, message: parsed.detail })
    try {
      const { topic, event } = parsed
      const { eventTimeMs, accountId } = event
      const rejection = refusalOfTime(eventTimeMs, where, this.latest)
      return { topic, eventTimeMs, accountId, value: encodeRaw(topic, event as never), rejection }
    } catch (error) {
      if (isInputError(error)) return reject(line, { ...where, message: error.message })
      throw error
    }
  }
}

/** The emission of a line or row from which no event can be made. */
export function reject(value: Uint8Array, rejection: { readonly file: string; readonly line: number; readonly message: string }): Emission {
  return { topic: 'unparsable', eventTimeMs: NaN, accountId: null, value, rejection }
}

/** The emission of a line longer than the limit; `kept` is what is kept of it. */
export function rejectLongLine(kept: Buffer, where: { readonly file: string; readonly line: number }): Emission {
  return reject(kept, { ...where, message: `the line is longer than ${MAX_LINE_BYTES} bytes; its beginning, length and hash are kept` })
}

/** What is kept of a long line that is at hand whole; `line` is without its line feed. */
export function cutWhole(line: Buffer): Buffer {
  return cutLine(line, { lengthBytes: line.length, sha256: createHash('sha256').update(line).digest('hex') })
}

/** True where the error says that an event is not allowed, not that the program is wrong. */
export function isInputError(error: unknown): error is RiskError {
  return error instanceof RiskError && (error.code === 'input-rejected' || error.code === 'record-too-large')
}
