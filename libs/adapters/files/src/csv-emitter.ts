import { isAscii, isUtf8 } from 'node:buffer'
import { RiskError } from '@riskledger/contracts'
import { compileMapping, type RowMapper } from './compile-mapping'
import { splitCsvRow } from './csv-row'
import { MAX_LINE_BYTES } from './emission'
import { EmissionBlock } from './emission-block'
import type { Mapping } from './mapping'
import { cutWhole, type Emitter, reject, rejectLongLine } from './ndjson-emitter'
import { PendingEvents } from './pending-events'
import type { Block } from './read-blocks'

/** A quoted field may go on over this many lines; a row that wants more is taken for one with a stray quote. */
const MAX_LINES_OF_ROW = 1_000

/** A line as it lies in the file: its number, its bytes with and without its end, and its text, null where it is not UTF-8. */
interface Line {
  readonly number: number
  readonly bytes: Buffer
  readonly withEnd: Buffer
  readonly text: string | null
}

/**
 * Emits the events of a CSV file by a mapping. A row that is malformed, has another number of fields, or of which the mapping
 * makes no event goes byte for byte to `unparsable`. A quoted field may hold line feeds; where its closing quote does not come
 * within a thousand lines and 1 MiB, the line that opened it is rejected alone and the lines after it are read anew.
 */
export class CsvEmitter implements Emitter {
  private readonly map: RowMapper
  private readonly fields: string[] = []
  private readonly pending: PendingEvents
  private held: Line[] = []
  private heldBytes = 0
  private heldText = ''
  private number = 0
  private fileTimeMs = -Infinity
  private headerDue: boolean
  private readonly out = new EmissionBlock()

  constructor(
    private readonly file: string,
    private readonly mapping: Mapping,
  ) {
    this.map = compileMapping(mapping)
    this.pending = new PendingEvents(file)
    this.headerDue = mapping.header
  }

  /** Throws `mapping-invalid` where the header is not that of the mapping, and `limit-reached`. */
  add(block: Block): EmissionBlock {
    this.out.clear()
    if (block.kind === 'long-line') {
      this.abandonHeld()
      this.out.push(rejectLongLine(block.kept, { file: this.file, line: ++this.number }))
    } else this.addLines(block.bytes)
    return this.out
  }

  end(): EmissionBlock {
    this.out.clear()
    while (this.held.length > 0) this.abandonHeld()
    while (this.pending.nextMs !== Infinity) this.out.push(this.pending.take())
    return this.out
  }

  private addLines(bytes: Buffer): void {
    const ascii = isAscii(bytes)
    // One string for the block, cut by position: in ASCII a place in the text is a place in the bytes.
    const text = ascii ? bytes.toString('latin1') : ''
    for (let start = 0; start < bytes.length;) {
      const feed = ascii ? text.indexOf('\n', start) : bytes.indexOf(10, start)
      const next = feed === -1 ? bytes.length : feed + 1
      let end = feed === -1 ? bytes.length : feed
      if (end > start && bytes[end - 1] === 13) end--
      this.number++
      if (ascii && this.held.length === 0 && !this.headerDue && end - start <= MAX_LINE_BYTES) {
        this.addPlainRow(bytes, { text, start, end, next })
      } else {
        const line = bytes.subarray(start, end)
        this.addLine({
          number: this.number,
          bytes: line,
          withEnd: bytes.subarray(start, next),
          text: ascii ? text.slice(start, end) : decode(line),
        })
      }
      start = next
    }
  }

  /** The fast path: a row that begins and ends on this line. */
  private addPlainRow(
    bytes: Buffer,
    at: { readonly text: string; readonly start: number; readonly end: number; readonly next: number },
  ): void {
    const { start, end } = at
    if (start === end) return
    const row = at.text.slice(start, end)
    const kind = splitCsvRow(row, this.mapping.delimiter, this.fields)
    if (kind === 'whole' && this.mapFields()) return
    const line: Line = { number: this.number, bytes: bytes.subarray(start, end), withEnd: bytes.subarray(start, at.next), text: row }
    this.addLine(line)
  }

  private addLine(line: Line): void {
    if (line.bytes.length > MAX_LINE_BYTES) {
      this.abandonHeld()
      this.out.push(rejectLongLine(cutWhole(withoutFeed(line.withEnd)), { file: this.file, line: line.number }))
      return
    }
    if (this.headerDue) return this.readHeader(line)
    if (this.held.length > 0) return this.continueRow(line)
    if (line.text === null) return this.refuse(line, 'the line is not valid UTF-8')
    if (line.text === '') return
    const kind = splitCsvRow(line.text, this.mapping.delimiter, this.fields)
    if (kind === 'open') return this.hold(line, line.text)
    if (kind === 'malformed')
      return this.refuse(line, 'text follows the closing quote of a field; a quote inside a quoted field is written twice')
    if (!this.mapFields()) this.refuse(line, this.problem)
  }

  private continueRow(line: Line): void {
    const separator = this.held[this.held.length - 1].withEnd.at(-2) === 13 ? '\r\n' : '\n'
    const text = line.text === null ? '' : this.heldText + separator + line.text
    if (line.text === null || this.held.length >= MAX_LINES_OF_ROW || this.heldBytes + line.withEnd.length > MAX_LINE_BYTES) {
      this.abandonHeld()
      return this.addLine(line)
    }
    if (!line.text.includes('"')) return this.hold(line, text)
    const kind = splitCsvRow(text, this.mapping.delimiter, this.fields)
    if (kind === 'open') return this.hold(line, text)
    if (kind === 'malformed') {
      this.abandonHeld()
      return this.addLine(line)
    }
    const [first] = this.held
    const bytes = Buffer.concat([...this.held.map((part) => part.withEnd), line.bytes])
    this.release()
    if (!this.mapFields()) this.refuse({ ...first, bytes }, this.problem)
  }

  private hold(line: Line, text: string): void {
    this.held.push(line)
    this.heldBytes += line.withEnd.length
    this.heldText = text
  }

  private release(): void {
    this.held = []
    this.heldBytes = 0
    this.heldText = ''
  }

  /** Rejects the line that opened a quote which does not close, and reads the lines held after it anew. */
  private abandonHeld(): void {
    const [first, ...rest] = this.held
    if (first === undefined) return
    this.release()
    this.refuse(first, 'a quoted field begins on this line and does not end; close it, or write a quote inside a quoted field twice')
    for (const line of rest) this.addLine(line)
  }

  private problem = ''

  /** Maps the fields at hand and emits their events; false, with `problem` set, where there are none. */
  private mapFields(): boolean {
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
    for (const event of events) if (!event.delayed && event.eventTimeMs > this.fileTimeMs) this.fileTimeMs = event.eventTimeMs
    while (this.pending.nextMs <= this.fileTimeMs) this.out.push(this.pending.take())
    for (const { topic, eventTimeMs, accountId, value, delayed } of events) {
      if (delayed) this.pending.add({ topic, eventTimeMs, accountId: copyOf(accountId), value: value.slice(), rejection: null })
      else this.out.push({ topic, eventTimeMs, accountId, value, rejection: null })
    }
    return true
  }

  private readHeader(line: Line): void {
    this.headerDue = false
    const { columns, delimiter, name } = this.mapping
    const kind = line.text === null ? 'malformed' : splitCsvRow(line.text, delimiter, this.fields)
    if (kind === 'whole' && this.fields.length === columns.length && columns.every((column, index) => column === this.fields[index])) return
    const found = (line.text ?? 'not UTF-8').slice(0, 200)
    const message = `${this.file}:${line.number}: the header is ${JSON.stringify(found)}; the mapping ${name} expects ${JSON.stringify(columns.join(delimiter))}. Correct the mapping's columns, or set header: false if the file has none.`
    throw new RiskError('mapping-invalid', message, { retriable: false, context: { file: this.file, line: line.number } })
  }

  private refuse(line: Line, message: string): void {
    const cut = line.withEnd.length === line.bytes.length ? '; the file ends inside this line' : ''
    this.out.push(reject(line.bytes, { file: this.file, line: line.number, message: message + cut }))
  }
}

function withoutFeed(bytes: Buffer): Buffer {
  return bytes.at(-1) === 10 ? bytes.subarray(0, -1) : bytes
}

function decode(bytes: Buffer): string | null {
  return isUtf8(bytes) ? bytes.toString('utf8') : null
}

/** The text apart from the block that it was cut from, which it would otherwise keep in memory. */
function copyOf(text: string): string {
  return Buffer.from(text).toString()
}
