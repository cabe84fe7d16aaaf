import { createHash } from 'node:crypto'
import { ByteWriter, type ByteReader, type KeyInterner } from '@riskledger/windows'
import { KYC, PAYMENT_IDS_SEEN, RESIDENCE, type RowPages, TRADE_ROW, UTC_OFFSET } from './account-rows'
import { AccountWindows } from './account-windows'
import type { Habits } from './habits'
import type { KnownLabels } from './known-labels'
import type { Places } from './places'
import type { Reports } from './reports'

/** Given to a hash at a time. */
const HASHED_BYTES = 32_768

/** What a `ProfileStore` is made of, but for its windows. */
export interface ProfileParts {
  readonly accounts: KeyInterner
  readonly countries: KeyInterner
  readonly integers: RowPages<Uint32Array>
  readonly habits: Habits
  readonly labels: KnownLabels
  readonly places: Places
  readonly reports: Reports
}

/** Writes all parts as they lie: a snapshot. */
export function writeProfiles(parts: ProfileParts, windows: AccountWindows, writer: ByteWriter): void {
  const { habits } = parts
  parts.accounts.write(writer)
  parts.countries.write(writer)
  parts.integers.write(writer)
  habits.doubles.write(writer)
  habits.singles.write(writer)
  habits.tradeBins.write(writer)
  for (const population of [habits.payments, habits.trades, habits.hours]) population.write(writer)
  parts.labels.write(writer)
  parts.places.write(writer)
  parts.reports.write(writer)
  writer.varint(windows.options.graceMs)
  writer.varint(windows.options.maxEventsPerKey)
  windows.write(writer)
}

/** Fills fresh parts from what `writeProfiles` wrote, time having come to `nowMs`, and returns the windows, whose fixed options come from the snapshot. */
export function readProfiles(parts: ProfileParts, nowMs: number, reader: ByteReader): AccountWindows {
  const { habits } = parts
  parts.accounts.read(reader)
  parts.countries.read(reader)
  parts.integers.read(reader)
  habits.doubles.read(reader)
  habits.singles.read(reader)
  habits.tradeBins.read(reader)
  for (const population of [habits.payments, habits.trades, habits.hours]) population.read(reader)
  parts.labels.restore(reader, nowMs)
  parts.places.restore(reader)
  parts.reports.restore(reader)
  const windows = new AccountWindows(parts.integers, { graceMs: reader.varint(), maxEventsPerKey: reader.varint() })
  windows.restore(reader)
  return windows
}

/** Hash of the content: accounts in order of their ids' code units, references to rows replaced by the rows themselves. */
export function hashProfiles(parts: ProfileParts, windows: AccountWindows, nowMs: number): Uint8Array {
  const { accounts, habits, labels } = parts
  const hash = createHash('sha256')
  const writer = new ByteWriter(2 * HASHED_BYTES)
  for (const population of [habits.payments, habits.trades, habits.hours]) population.write(writer)
  labels.writePopulation(writer)
  parts.places.population.writeContent(writer)
  // By code units; a comparison of ours for each pair would take three times as long.
  for (const id of Array.from(accounts.entries(), ([key]) => key).sort()) {
    const slot = accounts.find(id)
    writer.string(id)
    writeAccount(parts, slot, writer)
    windows.writeContent(slot, nowMs, writer)
    // A call costs more than an account.
    if (writer.lengthBytes < HASHED_BYTES) continue
    hash.update(writer.written())
    writer.reset()
  }
  return hash.update(writer.written()).digest()
}

function writeAccount(parts: ProfileParts, slot: number, writer: ByteWriter): void {
  const { habits, integers, places } = parts
  const row = integers.row(slot)
  habits.doubles.writeRow(slot, writer)
  habits.singles.writeRow(slot, writer)
  writer.varint(row[KYC])
  writer.varint(row[UTC_OFFSET])
  writer.string(row[RESIDENCE] === 0 ? '' : (parts.countries.keyOf(row[RESIDENCE] - 1) ?? ''))
  integers.writeRow(slot, writer, PAYMENT_IDS_SEEN)
  const trades = row[TRADE_ROW] - 1
  writer.u8(trades < 0 ? 0 : 1)
  if (trades >= 0) habits.tradeBins.writeRow(trades, writer)
  places.rows.writeContent(slot, writer)
  parts.reports.writeContent(slot, writer)
  parts.labels.writeContent(slot, writer)
}
