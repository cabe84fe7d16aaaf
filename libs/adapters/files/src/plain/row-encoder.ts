import type { EmissionBlock } from '../emission-block'
import type { Mapping } from '../mapping'
import { ByteTimes } from './byte-times'
import { compileRule, type RuleEncoder } from './rule-encoder'
import type { PlainRow } from './plain-row'

/**
 * Turns plain rows into the records of their events, from the bytes of the file to those of the log, without an object, a text or a boxed
 * number for any of them. Whatever is not as expected - a number that is none, a text that is too long, a row without an event - is left to
 * `compileMapping`, which says what is wrong with it; where both give events, they give the same bytes.
 */
export class RowEncoder {
  /** Of each event of the row that was encoded last: whether the mapping delays it. */
  readonly delays: Uint8Array
  /** Whether it delays any of them. */
  delayed = false
  private readonly maxBytes: number

  private constructor(private readonly rules: readonly RuleEncoder[]) {
    this.delays = new Uint8Array(rules.length)
    this.maxBytes = rules.reduce((sum, { maxBytes }) => sum + maxBytes, 0)
  }

  /** Undefined for a mapping with a field that only the general way can write, such as a list. */
  static compile(mapping: Mapping): RowEncoder | undefined {
    const times = new ByteTimes(mapping.timezone)
    const indexOf = (column: string): number => mapping.columns.indexOf(column)
    const rules: RuleEncoder[] = []
    for (const rule of mapping.events) {
      const encoder = compileRule(rule, { indexOf, times })
      if (encoder === undefined) return undefined
      rules.push(encoder)
    }
    return new RowEncoder(rules)
  }

  /** Adds the row's events to the block. False, with nothing added, where the general way is to decide what becomes of the row. */
  encode(row: PlainRow, block: EmissionBlock): boolean {
    const { rules, delays } = this
    const before = block.count
    block.reserve(rules.length, this.maxBytes)
    const { bytes } = block
    let at = block.end
    this.delayed = false
    for (let i = 0; i < rules.length; i++) {
      const rule = rules[i]
      if (!rule.holdsFor(row)) continue
      at = rule.write(row, bytes, at)
      if (at < 0) {
        block.count = before
        return false
      }
      if (rule.delayed) this.delayed = true
      delays[block.count - before] = rule.delayed ? 1 : 0
      block.commit(rule.topicIndex, row.eventTimeMs, row.keyEnd, at)
    }
    return block.count > before
  }
}
