import type { ByteReader, ByteWriter } from '@riskledger/windows'
import { hashToken } from './token-hash'

const MAX_ALERTS = 8

/** An alert on a counterparty that has not been cleared. */
export interface StandingAlert {
  /** Hash of provider and kind: a clear by the same provider of the same kind ends it. */
  readonly origin: number
  readonly severity: number
}

const NONE: readonly StandingAlert[] = []

/** The alerts that stand on counterparties, by number; most have none. */
export class StandingAlerts {
  private readonly standing = new Map<number, readonly StandingAlert[]>()

  /** Those on one counterparty, the gravest first. */
  of(number: number): readonly StandingAlert[] {
    return this.standing.get(number) ?? NONE
  }

  /** Replaces those on one counterparty. */
  private set(number: number, alerts: readonly StandingAlert[]): void {
    if (alerts.length > 0) this.standing.set(number, alerts)
    else this.standing.delete(number)
  }

  /** A provider's alert, at its gravest so far; at most eight stand, the gravest are kept. Returns the highest severity. */
  raise(number: number, origin: string, severity: number): number {
    const hash = hashToken(origin)
    const rest = this.of(number).filter((alert) => alert.origin !== hash)
    const before = this.of(number).find((alert) => alert.origin === hash)
    rest.push({ origin: hash, severity: Math.max(severity, before?.severity ?? 0) })
    rest.sort((a, b) => b.severity - a.severity || a.origin - b.origin)
    this.set(number, rest.slice(0, MAX_ALERTS))
    return rest[0].severity
  }

  /** The same provider's clear of the same kind. Returns the highest severity left, -1 for none. */
  clear(number: number, origin: string): number {
    const hash = hashToken(origin)
    const rest = this.of(number).filter((alert) => alert.origin !== hash)
    this.set(number, rest)
    return rest.length > 0 ? rest[0].severity : -1
  }

  /** Writes those on one counterparty. */
  writeOf(number: number, writer: ByteWriter): void {
    const alerts = this.of(number)
    writer.varint(alerts.length)
    for (const alert of alerts) {
      writer.u32(alert.origin)
      writer.varint(alert.severity)
    }
  }

  /** Writes all of them. */
  write(writer: ByteWriter): void {
    writer.varint(this.standing.size)
    for (const number of this.standing.keys()) {
      writer.varint(number)
      this.writeOf(number, writer)
    }
  }

  /** Adds what `write` wrote. */
  read(reader: ByteReader): void {
    for (let left = reader.varint(); left > 0; left--) {
      const number = reader.varint()
      this.set(
        number,
        Array.from({ length: reader.varint() }, () => ({ origin: reader.u32(), severity: reader.varint() })),
      )
    }
  }
}
