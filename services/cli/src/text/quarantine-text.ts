import type { QuarantinedInput } from '../house/quarantined-inputs'
import type { RefusedInput } from '../house/refused-event'
import { grouped } from './numbers'

/** Bytes of a value that a person is shown. */
const SHOWN_BYTES = 1_024
const BYTES_A_LINE = 16

/** Refused inputs as lines of a table, its head first. */
export function quarantineLines(rows: readonly QuarantinedInput[]): readonly string[] {
  const table = rows.map(({ partition, sequence, topic, offset, reason, brokerTimeMs, accountId, source }) => [
    `${partition}/${sequence}`,
    timeText(brokerTimeMs),
    `${topic}/${partition}@${offset}`,
    reason,
    accountId ?? '-',
    source ?? '-',
  ])
  const head = ['input', 'time', 'position', 'reason', 'account', 'source']
  const widths = head.map((name, column) => Math.max(name.length, ...table.map((row) => row[column].length)))
  return [head, ...table].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  )
}

/** What a person reads of one refused input. */
export function refusedLines(refused: RefusedInput): readonly string[] {
  const { found, reason, meaning, repair, detail, origin, event, valueSha256, valueLengthBytes } = refused
  const { partition, sequence, topic, input, entry } = found
  const lines = [
    `QUARANTINED   input ${partition}/${sequence}   ${topic}/${partition}@${grouped(input.offset)}   ${timeText(input.brokerTimeMs)}`,
    '',
    `  Reason     ${reason}: ${meaning}.`,
    ...(detail === '' ? [] : [`  Here       ${detail}.`]),
    `  Repair     ${repair}.`,
    '',
    `  Event      ${origin.eventId ?? 'its id cannot be told'}`,
    `  Account    ${origin.accountId ?? 'cannot be told'}`,
    `  Source     ${origin.source ?? 'cannot be told'}`,
    `  Value      ${grouped(valueLengthBytes)} bytes, SHA-256 ${valueSha256}`,
    `  Entry      ${entry.stream}@${entry.revision}`,
    '',
  ]
  if (event !== null) lines.push(...JSON.stringify(shown(event), null, 2).split('\n'))
  else if (input.body === null) lines.push('  Its bytes were not kept.')
  else lines.push(...hexDump(input.body))
  return lines
}

/** A line of a file that comes before any with a time has none: its record says 0. */
function timeText(brokerTimeMs: number): string {
  return brokerTimeMs === 0 ? '-' : new Date(brokerTimeMs).toISOString()
}

/** A draft as `--event` takes it back, absent optionals left out. */
export function shown({ topic, fields }: NonNullable<RefusedInput['event']>): object {
  return { topic, event: Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) }
}

/** Bytes as lines of offset, hexadecimal digits and printable ASCII; of more than 1,024 the first so many. */
function hexDump(bytes: Uint8Array): readonly string[] {
  const lines: string[] = []
  const end = Math.min(bytes.length, SHOWN_BYTES)
  for (let at = 0; at < end; at += BYTES_A_LINE) {
    const part = Buffer.from(bytes.subarray(at, Math.min(at + BYTES_A_LINE, end)))
    const hex = part.toString('hex').replace(/(..)/g, '$1 ')
    const text = part.toString('latin1').replace(/[^\x20-\x7e]/g, '.')
    lines.push(`  ${at.toString(16).padStart(8, '0')}  ${hex.padEnd(BYTES_A_LINE * 3)} |${text}|`)
  }
  if (bytes.length > end) lines.push(`  ${grouped(bytes.length - end)} bytes more; --json prints them all`)
  return lines
}
