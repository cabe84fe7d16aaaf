import { isAscii } from 'node:buffer'
import { RiskError } from '@riskledger/contracts'
import { compileMapping, type RowMapper } from './compile-mapping'
import { type CsvLine, textOf, withoutFeed } from './csv-line'
import { type CsvRowKind, splitCsvRow } from './csv-row'
import { MAX_LINE_BYTES } from './emission'
import { EmissionBlock } from './emission-block'
import { type LatestTime, NO_LATEST_TIME } from './future-event'
import type { Mapping } from './mapping'
import { cutWhole, type Emitter, reject, rejectLongLine } from './ndjson-emitter'
import { PlainRows } from './plain/plain-rows'
import type { Block } from './read-blocks'
import { RowEvents } from './row-events'

/** A quoted field may go on over this many lines; a row that wants more is taken for one with a stray quote. */
const MAX_LINES_OF_ROW = 1_000

/**
 * Emits the events of a CSV file by a mapping. A row that is malformed, has another number of fields, or of which the mapping
 * makes no event goes byte for byte to `unparsable`. A quoted field may hold line feeds; where its closing quote does not come
 * within a thousand lines and 1 MiB, the line that opened it is rejected alone and the lines after it are read anew.
 */
export class CsvEmitter implements Emitter {
  private readonly map: RowMapper
  private readonly fields: string[] = []
  private readonly plainRows: PlainRows
  private readonly events: RowEvents
  /** Lines of a row that is open: after the first, and after each that goes on with it, a quoted field is open. */
  private held: CsvLine[] = []
  private heldBytes = 0
  private number = 0
  private headerDue: boolean
  private readonly out = new EmissionBlock()

  constructor(
    private readonly file: string,
    private readonly mapping: Mapping,
    latest: LatestTime = NO_LATEST_TIME,
  ) {
    this.map = compileMapping(mapping)
    this.events = new RowEvents(this.out, { file, latest })
    this.plainRows = new PlainRows(mapping, this.events, this.out)
    this.headerDue = mapping.header
  }

  /** Throws `mapping-invalid` where the header is not that of the mapping, and `limit-reached`. */
  add(block: Block): EmissionBlock {
    this.out.clear()
    if (block.kind === 'long-line') {
      this.abandonAll()
      this.out.push(rejectLongLine(block.kept, { file: this.file, line: ++this.number }))
    } else this.addLines(block.bytes)
    return this.out
  }

  end(): EmissionBlock {
    this.out.clear()
    this.abandonAll()
    this.events.end()
    return this.out
  }

  private addLines(bytes: Buffer): void {
    let start = this.addPlainRows(bytes, 0)
    if (start === bytes.length) return
    const ascii = isAscii(bytes)
    // One string for the block, cut by position: in ASCII a place in the text is a place in the bytes.
    const text = ascii ? bytes.toString('latin1') : ''
    while (start < bytes.length) {
      const feed = ascii ? text.indexOf('\n', start) : bytes.indexOf(10, start)
      const next = feed === -1 ? bytes.length : feed + 1
      let end = feed === -1 ? bytes.length : feed
      if (end > start && bytes[end - 1] === 13) end--
      this.number++
      if (ascii && this.held.length === 0 && !this.headerDue && end - start <= MAX_LINE_BYTES) {
        this.addWholeRow(bytes, { text, start, end, next })
      } else {
        const line = bytes.subarray(start, end)
        this.addLine({
          number: this.number,
          bytes: line,
          withEnd: bytes.subarray(start, next),
          text: ascii ? text.slice(start, end) : textOf(line),
        })
      }
      start = this.addPlainRows(bytes, next)
    }
  }

  /** The fast path; gives the place of the first line that it leaves to the general one. */
  private addPlainRows(bytes: Buffer, start: number): number {
    if (this.headerDue || this.held.length > 0) return start
    const next = this.plainRows.add(bytes, start, this.number + 1)
    this.number += this.plainRows.lines
    return next
  }

  /** A row that begins and ends on this line, of which the general way is to decide. */
  private addWholeRow(
    bytes: Buffer,
    at: { readonly text: string; readonly start: number; readonly end: number; readonly next: number },
  ): void {
    const { start, end } = at
    if (start === end) return
    const row = at.text.slice(start, end)
    const kind = splitCsvRow(row, this.mapping.delimiter, this.fields)
    if (kind === 'whole' && this.mapFields(this.number)) return
    const line: CsvLine = { number: this.number, bytes: bytes.subarray(start, end), withEnd: bytes.subarray(start, at.next), text: row }
    this.addLine(line)
  }

  private addLine(line: CsvLine): void {
    if (line.bytes.length > MAX_LINE_BYTES) {
      this.abandonAll()
      this.out.push(rejectLongLine(cutWhole(withoutFeed(line.withEnd)), { file: this.file, line: line.number }))
      return
    }
    if (this.headerDue) return this.readHeader(line)
    if (this.held.length > 0 && this.continueRow(line)) return
    if (this.startRow(line) === 'open') this.hold(line)
  }

  /** Reads a line on which a row begins. Only one that is `open` is left to do. */
  private startRow(line: CsvLine): 'open' | 'done' {
    if (line.text === null) this.refuse(line, 'the line is not valid UTF-8')
    else if (line.text !== '') {
      const kind = splitCsvRow(line.text, this.mapping.delimiter, this.fields)
      if (kind === 'open') return 'open'
      if (kind === 'malformed')
        this.refuse(line, 'text follows the closing quote of a field; a quote inside a quoted field is written twice')
      else if (!this.mapFields(line.number)) this.refuse(line, this.problem)
    }
    return 'done'
  }

  /** Adds the line to the row that is held; false where it belongs to none, and nothing is held any more. */
  private continueRow(line: CsvLine): boolean {
    const kind = this.continuedKind(line)
    if (kind === 'malformed') this.abandonAll()
    while (this.held.length > 0) {
      if (this.held.length < MAX_LINES_OF_ROW && this.heldBytes + line.withEnd.length <= MAX_LINE_BYTES) {
        if (kind === 'open') this.hold(line)
        else this.endRow(line)
        return true
      }
      this.abandonFirst()
    }
    return false
  }

  /**
   * What a row is once this line goes on in its open quote. Says so from the line alone, whichever line the row began on: to split each row
   * anew for every line would take cubic time where every line opens a quote.
   */
  private continuedKind({ text }: CsvLine): CsvRowKind {
    if (text === null) return 'malformed'
    return text.includes('"') ? splitCsvRow(`"${text}`, this.mapping.delimiter, this.fields) : 'open'
  }

  private endRow(line: CsvLine): void {
    const [first] = this.held
    const text = this.held.map((part) => part.text + (part.withEnd.at(-2) === 13 ? '\r\n' : '\n')).join('') + line.text
    const bytes = Buffer.concat([...this.held.map((part) => part.withEnd), line.bytes])
    this.held = []
    this.heldBytes = 0
    splitCsvRow(text, this.mapping.delimiter, this.fields)
    if (!this.mapFields(first.number)) this.refuse({ ...first, bytes }, this.problem)
  }

  private hold(line: CsvLine): void {
    this.held.push(line)
    this.heldBytes += line.withEnd.length
  }

  private abandonAll(): void {
    while (this.held.length > 0) this.abandonFirst()
  }

  /** Rejects the line that opened a quote which does not close, and reads those after it anew, up to one that opens a quote in its turn. */
  private abandonFirst(): void {
    this.refuse(this.held[0], 'a quoted field begins on this line and does not end; close it, or write a quote inside a quoted field twice')
    do this.heldBytes -= this.held.shift()?.withEnd.length ?? 0
    while (this.held.length > 0 && this.startRow(this.held[0]) === 'done')
  }

  private problem = ''

  /** Maps the fields at hand and emits the events of their row, which begins on this line; false, with `problem` set, where there are none. */
  private mapFields(line: number): boolean {
    const { fields, mapping } = this
    if (fields.length !== mapping.columns.length) {
      this.problem = `the row has ${fields.length} fields; the mapping ${mapping.name} names ${mapping.columns.length} columns`
      return false
    }
    const { events, problem } = this.map(fields)
    if (problem !== null) {
      this.problem = problem
      return false
    }
    this.events.emit(events, line)
    return true
  }

  private readHeader(line: CsvLine): void {
    this.headerDue = false
    const { columns, delimiter, name } = this.mapping
    const kind = line.text === null ? 'malformed' : splitCsvRow(line.text, delimiter, this.fields)
    if (kind === 'whole' && this.fields.length === columns.length && columns.every((column, index) => column === this.fields[index])) return
    const found = (line.text ?? 'not UTF-8').slice(0, 200)
    const message = `${this.file}:${line.number}: the header is ${JSON.stringify(found)}; the mapping ${name} expects ${JSON.stringify(columns.join(delimiter))}. Correct the mapping's columns, or set header: false if the file has none.`
    throw new RiskError('mapping-invalid', message, { retriable: false, context: { file: this.file, line: line.number } })
  }

  private refuse(line: CsvLine, message: string): void {
    const cut = line.withEnd.length === line.bytes.length ? '; the file ends inside this line' : ''
    this.out.push(reject(line.bytes, { file: this.file, line: line.number, message: message + cut }))
  }
}
