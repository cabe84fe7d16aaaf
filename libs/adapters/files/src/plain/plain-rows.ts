import type { EmissionBlock } from '../emission-block'
import type { Mapping } from '../mapping'
import type { RowEvents } from '../row-events'
import { PlainRow } from './plain-row'
import { RowEncoder } from './row-encoder'

/** The fast way from the lines of a CSV file to emissions, for the rows that it can read. */
export class PlainRows {
  /** Lines that were read the last time, blank ones among them. */
  lines = 0
  private readonly encoder: RowEncoder | undefined
  private readonly row: PlainRow

  constructor(
    mapping: Mapping,
    private readonly events: RowEvents,
    private readonly out: EmissionBlock,
  ) {
    this.encoder = RowEncoder.compile(mapping)
    this.row = new PlainRow(mapping.columns.length, mapping.delimiter)
  }

  /** Emits the rows from `start` on, of which the first has this line number, up to the first line that is left to the general way; gives the place of that. */
  add(bytes: Buffer, start: number, line: number): number {
    const { encoder, row, events, out } = this
    this.lines = 0
    if (encoder === undefined) return start
    let at = start
    while (at < bytes.length && row.scan(bytes, at)) {
      if (!row.blank) {
        const from = out.count
        if (!encoder.encode(row, out)) break
        events.emitEncoded(from, { encoder, line: line + this.lines })
      }
      this.lines++
      at = row.next
    }
    return at
  }
}
