import type { LivenessResultView, RawView, RiskAlertView } from '@riskledger/events'
import { fingerprint, fingerprintEventAt, hashSpan } from '@riskledger/relations'
import type { ByteReader, ByteWriter } from '@riskledger/windows'
import type { AlertSeverities, Features } from './features'

const MAX_ALERTS = 16
const MAX_CHECKS = 16
const DAY_MS = 86_400_000
/** An attack counts so long, whatever else a check shows a day. */
const ATTACK_MS = 7 * DAY_MS
const FOREVER = Number.MAX_SAFE_INTEGER

interface StandingAlert {
  readonly provider: number
  readonly kind: string
  readonly severity: number
  readonly fromMs: number
  readonly untilMs: number
  /** Fingerprint of the event that it is about; both 0 for none. */
  readonly low: number
  readonly high: number
  /** Hash of the counterparty that it is about; 0 for none. */
  readonly counterparty: number
}

interface Check {
  readonly timeMs: number
  readonly outcome: string
  readonly attackKind: string
  readonly faceMatch: string
}

interface AccountReports {
  alerts: StandingAlert[]
  checks: Check[]
}

/** How an event is asked about. */
export interface ReportSubject {
  readonly event: RawView
  /** Hash of its counterparty; 0 for none. */
  readonly counterparty: number
}

/**
 * What others reported of an account: alerts of providers and liveness checks. Rare, so plain objects per account; sixteen checks: of more,
 * one that counts no more goes first, else the oldest that shows neither an attack nor another face, else the oldest; and sixteen alerts: of
 * more, one that has ended goes first, else the least severe of the kind that has most, so that no number of one kind pushes out another.
 * An alert that names an event is about that event, one that names a counterparty about this account's dealings with it, one that names
 * neither about the account. A clear ends what the same provider said of the same subject in the same kind.
 */
export class Reports {
  private readonly accounts = new Map<number, AccountReports>()
  /** Alerts and checks pushed out by newer ones. */
  forgotten = 0

  private of(slot: number): AccountReports {
    let reports = this.accounts.get(slot)
    if (reports === undefined) this.accounts.set(slot, (reports = { alerts: [], checks: [] }))
    return reports
  }

  observeAlert(slot: number, event: RiskAlertView, memoryMs: number): void {
    const reports = this.of(slot)
    let low = 0
    let high = 0
    if (event.subjectEventIdAt !== 0) {
      fingerprintEventAt(event.bytes, event.subjectEventIdAt)
      low = fingerprint[0]
      high = fingerprint[1]
    }
    const provider = hashSpan(event.bytes, event.providerSpan)
    const counterparty = hashSpan(event.bytes, event.counterpartyIdSpan)
    if (event.result === 'clear') {
      const same = (a: StandingAlert): boolean =>
        a.provider === provider &&
        a.kind === event.kind &&
        a.low === low &&
        a.high === high &&
        a.counterparty === counterparty &&
        a.fromMs <= event.eventTimeMs
      reports.alerts = reports.alerts.filter((alert) => !same(alert))
      return
    }
    reports.alerts.push({
      provider,
      kind: event.kind,
      severity: event.severity,
      fromMs: event.eventTimeMs,
      untilMs: Math.min(FOREVER, event.expiresAtMs ?? event.eventTimeMs + memoryMs),
      low,
      high,
      counterparty,
    })
    if (reports.alerts.length > MAX_ALERTS) {
      reports.alerts.splice(leastWeighty(reports.alerts, event.eventTimeMs), 1)
      this.forgotten++
    }
  }

  observeLiveness(slot: number, event: LivenessResultView): void {
    const { checks } = this.of(slot)
    let at = checks.length
    while (at > 0 && checks[at - 1].timeMs > event.eventTimeMs) at--
    checks.splice(at, 0, { timeMs: event.eventTimeMs, outcome: event.outcome, attackKind: event.attackKind, faceMatch: event.faceMatch })
    if (checks.length > MAX_CHECKS) {
      checks.splice(leastTelling(checks), 1)
      this.forgotten++
    }
  }

  /** Sets what was reported not later than the event. */
  read(slot: number, subject: ReportSubject, features: Features): void {
    const reports = this.accounts.get(slot)
    if (reports === undefined) return
    const atMs = features.eventTimeMs
    if (reports.alerts.length > 0) {
      fingerprintEventAt(subject.event.bytes, subject.event.eventIdAt)
      for (const alert of reports.alerts)
        if (alert.fromMs <= atMs && atMs < alert.untilMs) this.weigh(alert, subject.counterparty, features)
    }
    for (const check of reports.checks) {
      const ageMs = atMs - check.timeMs
      if (ageMs < 0 || ageMs >= ATTACK_MS) continue
      // An attack of a kind not told apart takes nothing from one that was.
      if (showsAttack(check) && (check.attackKind !== 'unknown' || features.livenessAttackKind === 'none'))
        features.livenessAttackKind = check.attackKind
      if (ageMs >= DAY_MS) continue
      if (check.outcome === 'failed') features.livenessFailed1d++
      else if (check.outcome === 'abandoned') features.livenessAbandoned1d++
      if (check.faceMatch === 'mismatch') features.livenessFaceMismatch = true
      if (check.outcome === 'failed') features.livenessPassedAfterFailure = false
      else if (check.outcome === 'passed' && features.livenessFailed1d > 0) features.livenessPassedAfterFailure = true
    }
  }

  private weigh(alert: StandingAlert, counterparty: number, features: Features): void {
    if (alert.low !== 0 || alert.high !== 0) {
      const isThis = alert.low === fingerprint[0] && alert.high === fingerprint[1]
      if (isThis) features.eventAlerts = withAlert(features.eventAlerts, alert)
    } else if (alert.counterparty !== 0) {
      if (alert.counterparty === counterparty) features.counterpartyAlerts = withAlert(features.counterpartyAlerts, alert)
    } else features.accountAlerts = withAlert(features.accountAlerts, alert)
  }

  /** Canonical content of one account. */
  writeContent(slot: number, writer: ByteWriter): void {
    writeReports(this.accounts.get(slot) ?? { alerts: [], checks: [] }, writer)
  }

  write(writer: ByteWriter): void {
    writer.varint(this.forgotten)
    writer.varint(this.accounts.size)
    for (const slot of [...this.accounts.keys()].sort((a, b) => a - b)) {
      writer.varint(slot)
      writeReports(this.accounts.get(slot)!, writer)
    }
  }

  restore(reader: ByteReader): void {
    this.forgotten = reader.varint()
    for (let left = reader.varint(); left > 0; left--) this.accounts.set(reader.varint(), readReports(reader))
  }
}

function withAlert(severities: AlertSeverities, { kind, severity }: StandingAlert): AlertSeverities {
  return severity > (severities[kind] ?? -1) ? { ...severities, [kind]: severity } : severities
}

/** The place of the alert that is missed least: the oldest that has ended, else the least severe, and of those the oldest, of the kind with most. */
function leastWeighty(alerts: readonly StandingAlert[], nowMs: number): number {
  const ended = alerts.findIndex((alert) => alert.untilMs <= nowMs)
  if (ended >= 0) return ended
  const counts = new Map<string, number>()
  for (const { kind } of alerts) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  const most = Math.max(...counts.values())
  let least = -1
  for (const [place, { kind, severity }] of alerts.entries())
    if (counts.get(kind) === most && (least < 0 || severity < alerts[least].severity)) least = place
  return least
}

/** An attack of a kind not told apart is an attack too, but where the check passed: its vendor may tell no kinds apart. */
function showsAttack({ attackKind, outcome }: Check): boolean {
  return attackKind !== 'none' && (attackKind !== 'unknown' || outcome !== 'passed')
}

/** The place of the check that is missed least: the oldest that counts no more, else the oldest without attack and mismatch, else the oldest. */
function leastTelling(checks: readonly Check[]): number {
  const nowMs = checks[checks.length - 1].timeMs
  const spent = checks.findIndex((check) => nowMs - check.timeMs >= (showsAttack(check) ? ATTACK_MS : DAY_MS))
  if (spent >= 0) return spent
  return Math.max(
    0,
    checks.findIndex((check) => !showsAttack(check) && check.faceMatch !== 'mismatch'),
  )
}

function writeReports(reports: AccountReports, writer: ByteWriter): void {
  writer.varint(reports.alerts.length)
  for (const alert of reports.alerts) {
    writer.u32(alert.provider)
    writer.string(alert.kind)
    for (const value of [alert.severity, alert.fromMs, alert.untilMs]) writer.f64(value)
    for (const value of [alert.low, alert.high, alert.counterparty]) writer.u32(value)
  }
  writer.varint(reports.checks.length)
  for (const check of reports.checks) {
    writer.f64(check.timeMs)
    writer.string(check.outcome)
    writer.string(check.attackKind)
    writer.string(check.faceMatch)
  }
}

function readReports(reader: ByteReader): AccountReports {
  const reports: AccountReports = { alerts: [], checks: [] }
  for (let left = reader.varint(); left > 0; left--) {
    const [provider, kind, severity, fromMs, untilMs] = [reader.u32(), reader.string(), reader.f64(), reader.f64(), reader.f64()]
    reports.alerts.push({ provider, kind, severity, fromMs, untilMs, low: reader.u32(), high: reader.u32(), counterparty: reader.u32() })
  }
  for (let left = reader.varint(); left > 0; left--) {
    reports.checks.push({ timeMs: reader.f64(), outcome: reader.string(), attackKind: reader.string(), faceMatch: reader.string() })
  }
  return reports
}
