import type { ByteReader, ByteWriter } from '@riskledger/windows'

const MAX_ALERTS = 8

/** What a provider's report on a counterparty is about. */
export interface AlertSubject {
  /** The counterparty's number. */
  readonly number: number
  /** Hash of provider and kind. */
  readonly origin: number
  /** Fingerprint of the event that it is about; both 0 for none. */
  readonly low: number
  readonly high: number
}

/** A provider's alert on a counterparty; it stands in `[fromMs, untilMs)`. */
export interface StandingAlert extends AlertSubject {
  /** 0 to 1000. */
  readonly severity: number
  readonly fromMs: number
  readonly untilMs: number
}

/** A provider's word that nothing is wrong (any more), as of a moment. */
export interface AlertClear extends AlertSubject {
  readonly timeMs: number
}

const NONE: readonly StandingAlert[] = []

/** The alerts that stand on counterparties, by number, until they are cleared or their time is over; most have none. */
export class StandingAlerts {
  private readonly standing = new Map<number, readonly StandingAlert[]>()
  /** All of them, in order of (end, counterparty). */
  private readonly ends: StandingAlert[] = []

  /** Those on one counterparty, the gravest first. */
  of(number: number): readonly StandingAlert[] {
    return this.standing.get(number) ?? NONE
  }

  /** The highest severity of those on one counterparty; -1 for none. */
  severityOf(number: number): number {
    return this.of(number)[0]?.severity ?? -1
  }

  /** When the first of all ends; Infinity where none stands. */
  get nextEndMs(): number {
    return this.ends[0]?.untilMs ?? Infinity
  }

  /** True where an alert stands of the same provider and kind about the same subject. */
  standsOn(subject: AlertSubject): boolean {
    return this.of(subject.number).some((alert) => isOfSameSubject(alert, subject))
  }

  /**
   * A provider's alert; at most eight stand on a counterparty. Of more, the least grave of the provider and kind that has most goes, so that no number
   * of one pushes out another's. True where one had to go.
   */
  raise(alert: StandingAlert): boolean {
    const before = this.of(alert.number)
    if (before.some((one) => outlasts(one, alert))) return false
    const alerts = [...before.filter((one) => !outlasts(alert, one)), alert].sort(byGravity)
    const tooMany = alerts.length > MAX_ALERTS
    if (tooMany) alerts.splice(leastGrave(alerts), 1)
    this.replace(alert.number, alerts)
    return tooMany
  }

  /** Ends what the same provider said of the same subject in the same kind, up to the moment of the clear. */
  clear(clear: AlertClear): void {
    const { number, timeMs } = clear
    this.replace(
      number,
      this.of(number).filter((alert) => alert.fromMs > timeMs || !isOfSameSubject(alert, clear)),
    )
  }

  /** Ends the one that ends first; returns its counterparty's number. */
  endNext(): number {
    const first = this.ends[0]
    this.replace(
      first.number,
      this.of(first.number).filter((alert) => alert !== first),
    )
    return first.number
  }

  /** Replaces those on one counterparty. */
  private replace(number: number, alerts: readonly StandingAlert[]): void {
    const before = this.of(number)
    for (const alert of before) if (!alerts.includes(alert)) this.ends.splice(this.ends.indexOf(alert, this.placeOf(alert)), 1)
    for (const alert of alerts) if (!before.includes(alert)) this.ends.splice(this.placeOf(alert), 0, alert)
    if (alerts.length > 0) this.standing.set(number, alerts)
    else this.standing.delete(number)
  }

  /** The first place in `ends` that may hold the alert. */
  private placeOf({ untilMs, number }: StandingAlert): number {
    let low = 0
    let high = this.ends.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const one = this.ends[middle]
      if (one.untilMs < untilMs || (one.untilMs === untilMs && one.number < number)) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Writes those on one counterparty. */
  writeOf(number: number, writer: ByteWriter): void {
    const alerts = this.of(number)
    writer.varint(alerts.length)
    for (const alert of alerts) {
      for (const word of [alert.origin, alert.low, alert.high]) writer.u32(word)
      writer.varint(alert.severity)
      writer.f64(alert.fromMs)
      writer.f64(alert.untilMs)
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
      const alerts = Array.from({ length: reader.varint() }, () => readAlert(number, reader))
      this.standing.set(number, alerts)
      this.ends.push(...alerts)
    }
    this.ends.sort((a, b) => a.untilMs - b.untilMs || a.number - b.number)
  }
}

function readAlert(number: number, reader: ByteReader): StandingAlert {
  const [origin, low, high] = [reader.u32(), reader.u32(), reader.u32()]
  const [severity, fromMs, untilMs] = [reader.varint(), reader.f64(), reader.f64()]
  return { number, origin, low, high, severity, fromMs, untilMs }
}

function isOfSameSubject(a: AlertSubject, b: AlertSubject): boolean {
  return a.origin === b.origin && a.low === b.low && a.high === b.high
}

/** True where the second says nothing beside the first, whatever clear comes: a provider may repeat itself without pushing others out. */
function outlasts(a: StandingAlert, b: StandingAlert): boolean {
  return isOfSameSubject(a, b) && a.severity >= b.severity && a.fromMs >= b.fromMs && a.untilMs >= b.untilMs
}

/** The place of the least grave alert of the origin that has most; `alerts` the gravest first. */
function leastGrave(alerts: readonly StandingAlert[]): number {
  const counts = new Map<number, number>()
  for (const { origin } of alerts) counts.set(origin, (counts.get(origin) ?? 0) + 1)
  const most = Math.max(...counts.values())
  return alerts.findLastIndex(({ origin }) => counts.get(origin) === most)
}

/** An order of all that differ, so that what is kept does not depend on the order in which they came. */
function byGravity(a: StandingAlert, b: StandingAlert): number {
  return b.severity - a.severity || b.untilMs - a.untilMs || b.fromMs - a.fromMs || a.origin - b.origin || a.low - b.low || a.high - b.high
}
