import { hashSpan, hashToken } from '@riskledger/relations'
import type { LoginView, P2pTradeView, PaymentView } from '@riskledger/events'
import type { ByteReader, ByteWriter } from '@riskledger/windows'
import type { RowPages } from './account-rows'
import { clipRound, logRatioCentinats } from './exact-numbers'
import type { Features } from './features'
import { greatCircleKm } from './great-circle'
import { LoginPopulation } from './login-population'
import {
  FIELDS,
  KEPT_LARGEST,
  KEPT_NEWER,
  LAST_CLASS,
  LAST_COUNTRY,
  LAST_LATITUDE,
  LAST_LONGITUDE,
  LAST_MILLIS,
  LAST_PREFIX,
  LAST_SECONDS,
  LAST_SHOWN,
  LOGINS,
  PLACE_MEMORY,
  PlaceRows,
  SESSIONS,
  SESSIONS_SEEN,
} from './place-rows'
import type { ProfileOptions } from './profile-options'

// The features of the login model, coarse to fine within each group: where, and with what.
const COUNTRY = 0
const ASN = 1
const PREFIX = 2
const IP = 3
const OS = 4
const BROWSER = 5
const DEVICE = 6
const PLACE_FEATURES = 7
const WHERE = [COUNTRY, ASN, PREFIX, IP]
const WITH_WHAT = [OS, BROWSER, DEVICE]

const DEGREE_BIAS = 40_000
const CLIP_CENTINATS = 1000
const SEEN_CLIP_CENTINATS = 500
const SHORTEST_TRIP_MS = 60_000

// What the latest login showed is flags, its distance and one (0 none), and the age of the new device kept and one (0 none); a distance kept
// from an earlier one is its age and it and one (0 none). Ages are seconds at the latest login.
const KEPT_SECONDS = 3600
const NEW_DEVICE = 1
const NEW_NETWORK = 2
const FLAG_BITS = 2
const DISTANCE_BITS = 11
const DISTANCE_MASK = (1 << DISTANCE_BITS) - 1
const DEVICE_AGE_AT = FLAG_BITS + DISTANCE_BITS
const SHOWN_MASK = (1 << DEVICE_AGE_AT) - 1
const AGE_BITS = 12
const AGE_MASK = (1 << AGE_BITS) - 1

/** A distance that a login showed, -1 for none, and the age of that login at the latest one, in whole seconds of the clock: ages add up exactly. */
interface Shown {
  readonly distance: number
  readonly age: number
}

const NOTHING: Shown = { distance: -1, age: 0 }

/**
 * Devices, networks and places of accounts, and how much an event's differ from them.
 *
 * The log likelihood ratio follows Freeman et al. (NDSS 2016): how likely the values are among all logins against among the account's.
 * Its two groups, where (country, network, prefix, address) and with what (system, browser, device), each go from coarse to fine and stop
 * at the first value that is new to the account: that counts ln(1 / P(new)), P(new) = (new values so far + 1/2) / (uses + 1), so that a
 * new address says little about somebody whose address always changes. Where all are known, the finest counts ln(p(all) / p(account)).
 *
 * A login does not take back what others up to an hour before it showed: the largest distance from the usual behaviour is kept, the largest
 * since that one, which is needed when that one is too old, and the latest new device, each with the second in which it came. So is what one showed
 * that comes behind the latest, by its own time.
 *
 * Only successful logins teach all features, payments and trades teach device and country; failed logins teach nothing.
 */
export class Places {
  readonly rows: PlaceRows
  readonly population: LoginPopulation
  private readonly values = new Uint32Array(PLACE_FEATURES)
  /** Devices, addresses and so on pushed out of an account's memory of eight. */
  forgotten = 0

  constructor(integers: RowPages<Uint32Array>, options: ProfileOptions) {
    this.rows = new PlaceRows(PLACE_FEATURES, integers)
    this.population = new LoginPopulation(PLACE_FEATURES, options.maxLoginValues)
  }

  /** Sets what a login's device, network and place say, then learns them if it succeeded. */
  observeLogin(slot: number, event: LoginView, features: Features): void {
    const { values } = this
    const { bytes } = event
    values[COUNTRY] = event.countryCode === null ? 0 : hashToken(event.countryCode)
    values[ASN] = event.asn === null ? 0 : Math.imul(event.asn + 1, 0x9e3779b1) >>> 0 || 1
    values[PREFIX] = hashSpan(bytes, event.ipPrefixTokenSpan)
    values[IP] = hashSpan(bytes, event.ipTokenSpan)
    values[OS] = hashSpan(bytes, event.osTokenSpan)
    values[BROWSER] = hashSpan(bytes, event.browserTokenSpan)
    values[DEVICE] = hashSpan(bytes, event.deviceIdSpan)
    let row = this.rows.made(slot)
    const network = values[PREFIX] !== 0 ? PREFIX : values[ASN] !== 0 ? ASN : IP
    this.compare(row, features)
    features.network = this.knowsNetwork(row, network) ? 'known' : 'new'
    this.sinceLastLogin(row, features)
    this.travel(row, event, features)
    this.session(row, hashSpan(bytes, event.sessionIdSpan), values[DEVICE], features)
    const lastNetwork = row[LAST_PREFIX]
    features.networkChangedSinceLastLogin = lastNetwork !== 0 && lastNetwork !== values[network]
    if (event.outcome !== 'success') return
    for (let feature = 0; feature < PLACE_FEATURES; feature++) row = this.learn(slot, row, { feature, timeMs: features.eventTimeMs })
    this.rememberLogin(row, event, features, values[network])
  }

  /** Sets what the device and country of a payment or trade say, then learns them. */
  observeMoney(slot: number, event: PaymentView | P2pTradeView, features: Features): void {
    if (event.deviceIdSpan === 0 && event.countryCode === null && event.networkClass === null && event.sessionIdSpan === 0) {
      const known = this.rows.of(slot)
      if (known !== null) this.sinceLastLogin(known, features)
      return
    }
    const { values } = this
    const { bytes } = event
    values.fill(0)
    values[COUNTRY] = event.countryCode === null ? 0 : hashToken(event.countryCode)
    values[DEVICE] = hashSpan(bytes, event.deviceIdSpan)
    let row = this.rows.made(slot)
    this.compare(row, features)
    this.sinceLastLogin(row, features)
    if (event.sessionIdSpan !== 0 && values[DEVICE] !== 0) this.session(row, hashSpan(bytes, event.sessionIdSpan), values[DEVICE], features)
    const lastClass = row[LAST_CLASS]
    features.networkChangedSinceLastLogin = event.networkClass !== null && lastClass !== 0 && lastClass !== hashToken(event.networkClass)
    const { eventTimeMs: timeMs } = features
    row = this.learn(slot, row, { feature: COUNTRY, timeMs })
    this.learn(slot, row, { feature: DEVICE, timeMs })
  }

  private find(row: Uint32Array, feature: number, hash: number): number {
    const from = this.rows.valuesAt(row, feature)
    for (let at = from, end = from + this.rows.valueWords(row); at < end; at += FIELDS) if (row[at] === hash) return at
    return -1
  }

  /** A login that tells no network counts as one from a known one, but where the memory of addresses is full: so it has always been decided. */
  private knowsNetwork(row: Uint32Array, network: number): boolean {
    const hash = this.values[network]
    return hash === 0 ? this.valuesHeld(row, network) < PLACE_MEMORY : this.find(row, network, hash) >= 0
  }

  private compare(row: Uint32Array, features: Features): void {
    const values = this.values
    const device = values[DEVICE] === 0 ? -1 : this.find(row, DEVICE, values[DEVICE])
    features.device = values[DEVICE] === 0 ? 'none' : device < 0 ? 'new' : 'known'
    features.deviceAgeMs = device < 0 ? (values[DEVICE] === 0 ? -1 : 0) : Math.max(0, features.eventTimeMs - row[device + 1] * 1000)
    features.country = values[COUNTRY] === 0 ? 'none' : this.find(row, COUNTRY, values[COUNTRY]) < 0 ? 'new' : 'known'
    features.knownDeviceCount = this.valuesHeld(row, DEVICE)
    features.loginHabitCount = row[LOGINS]
    const sum = this.groupRatio(row, WHERE) + this.groupRatio(row, WITH_WHAT)
    features.operatorLogRatioCentinats = clipRound(sum, -CLIP_CENTINATS, CLIP_CENTINATS)
  }

  private groupRatio(row: Uint32Array, group: readonly number[]): number {
    let ratio = 0
    for (const feature of group) {
      const hash = this.values[feature]
      const list = this.rows.listAt(row, feature)
      const uses = row[list]
      if (hash === 0 || uses === 0) continue
      const at = this.find(row, feature, hash)
      // The very first value of an account is no sign that it likes to change.
      if (at < 0) return logRatioCentinats(uses + 1, row[list + 1] - 0.5)
      ratio = Math.max(-SEEN_CLIP_CENTINATS, logRatioCentinats(this.population.share(feature, hash), row[at + 3] / (uses + 1)))
    }
    return ratio
  }

  /** Counts a use of the feature's value; returns the account's row, which moves where it grows. */
  private learn(slot: number, row: Uint32Array, { feature, timeMs }: { readonly feature: number; readonly timeMs: number }): Uint32Array {
    const hash = this.values[feature]
    if (hash === 0) return row
    this.population.add(feature, hash)
    const seconds = Math.max(0, Math.floor(timeMs / 1000))
    let at = this.find(row, feature, hash)
    if (at < 0) {
      if (this.find(row, feature, 0) < 0) row = this.rows.grown(slot) ?? row
      row[this.rows.listAt(row, feature) + 1]++
      at = this.placeFor(row, feature)
      if (row[at] !== 0) this.forgotten++
      row[at] = hash
      row[at + 1] = seconds
      row[at + 2] = seconds
      row[at + 3] = 0
    }
    row[this.rows.listAt(row, feature)]++
    row[at + 1] = Math.min(row[at + 1], seconds)
    row[at + 2] = Math.max(row[at + 2], seconds)
    row[at + 3]++
    return row
  }

  /** A free place, or that of the value used longest ago. */
  private placeFor(row: Uint32Array, feature: number): number {
    const from = this.rows.valuesAt(row, feature)
    let oldest = from
    for (let at = from, end = from + this.rows.valueWords(row); at < end; at += FIELDS) {
      if (row[at] === 0) return at
      if (row[at + 2] < row[oldest + 2]) oldest = at
    }
    return oldest
  }

  private valuesHeld(row: Uint32Array, feature: number): number {
    const from = this.rows.valuesAt(row, feature)
    let held = 0
    for (let at = from, end = from + this.rows.valueWords(row); at < end; at += FIELDS) if (row[at] !== 0) held++
    return held
  }

  private session(row: Uint32Array, sessionHash: number, device: number, features: Features): void {
    for (let i = 0; i < PLACE_MEMORY; i++) {
      if (row[SESSIONS + 2 * i] !== sessionHash) continue
      features.sessionDeviceDiffers = row[SESSIONS + 2 * i + 1] !== device
      return
    }
    if (features.topic !== 'logins' || features.outcome !== 'success') return
    const at = SESSIONS + 2 * (row[SESSIONS_SEEN]++ % PLACE_MEMORY)
    row[at] = sessionHash
    row[at + 1] = device
  }

  private sinceLastLogin(row: Uint32Array, features: Features): void {
    if (row[LOGINS] === 0) return
    features.loginHabitCount = row[LOGINS]
    features.msSinceLastLogin = Math.max(0, features.eventTimeMs - (row[LAST_SECONDS] * 1000 + row[LAST_MILLIS]))
    features.lastLoginBehaviourDistance = lastDistance(row)
    features.lastLoginNewDevice = (row[LAST_SHOWN] & NEW_DEVICE) !== 0
    features.lastLoginNewNetwork = (row[LAST_SHOWN] & NEW_NETWORK) !== 0
    const largest = keptAt(row, KEPT_LARGEST)
    features.earlierLoginBehaviourDistance = largest.distance
    if (largest.distance >= 0) features.msSinceEarlierLoginBehaviour = msSince(row, largest.age, features)
    const newer = keptAt(row, KEPT_NEWER)
    features.newerLoginBehaviourDistance = newer.distance
    if (newer.distance >= 0) features.msSinceNewerLoginBehaviour = msSince(row, newer.age, features)
    const deviceAge = keptDeviceAge(row)
    if (deviceAge >= 0) features.msSinceEarlierLoginNewDevice = msSince(row, deviceAge, features)
    features.countryChangedSinceLastLogin =
      features.countryCode !== null && row[LAST_COUNTRY] !== 0 && row[LAST_COUNTRY] !== hashToken(features.countryCode)
  }

  private travel(row: Uint32Array, event: LoginView, features: Features): void {
    if (event.latitudeCentidegrees === null || event.longitudeCentidegrees === null || row[LAST_LATITUDE] === 0) return
    const from = { latitudeCentidegrees: row[LAST_LATITUDE] - DEGREE_BIAS, longitudeCentidegrees: row[LAST_LONGITUDE] - DEGREE_BIAS }
    const km = greatCircleKm(from, { latitudeCentidegrees: event.latitudeCentidegrees, longitudeCentidegrees: event.longitudeCentidegrees })
    features.travelKm = km
    // Either direction of time: a late login can be as far from the later one. Within a minute counts as a minute.
    const lastMs = row[LAST_SECONDS] * 1000 + row[LAST_MILLIS]
    features.travelKmh = Math.round((km * 3_600_000) / Math.max(SHORTEST_TRIP_MS, Math.abs(event.eventTimeMs - lastMs)))
  }

  private rememberLogin(row: Uint32Array, event: LoginView, features: Features, network: number): void {
    row[LOGINS]++
    const lastMs = row[LAST_SECONDS] * 1000 + row[LAST_MILLIS]
    const seconds = Math.floor(event.eventTimeMs / 1000)
    if (event.eventTimeMs < lastMs) {
      keepLate(row, { distance: event.behaviourDistance ?? -1, age: row[LAST_SECONDS] - seconds }, features.device === 'new')
      return
    }
    const deviceAge = deviceAgeAfter(row, seconds - row[LAST_SECONDS])
    keepDistances(row, seconds - row[LAST_SECONDS])
    row[LAST_SECONDS] = seconds
    row[LAST_MILLIS] = event.eventTimeMs - seconds * 1000
    if (event.latitudeCentidegrees !== null && event.longitudeCentidegrees !== null) {
      row[LAST_LATITUDE] = event.latitudeCentidegrees + DEGREE_BIAS
      row[LAST_LONGITUDE] = event.longitudeCentidegrees + DEGREE_BIAS
    } else row[LAST_LATITUDE] = row[LAST_LONGITUDE] = 0
    row[LAST_COUNTRY] = this.values[COUNTRY]
    row[LAST_PREFIX] = network
    row[LAST_CLASS] = event.networkClass === 'unknown' ? 0 : hashToken(event.networkClass)
    const distance = event.behaviourDistance === null ? 0 : event.behaviourDistance + 1
    const flags = (features.device === 'new' ? NEW_DEVICE : 0) | (features.network === 'new' ? NEW_NETWORK : 0)
    keepShown(row, flags | (distance << FLAG_BITS), deviceAge)
  }

  write(writer: ByteWriter): void {
    writer.varint(this.forgotten)
    this.rows.write(writer)
    this.population.write(writer)
  }

  restore(reader: ByteReader): void {
    this.forgotten = reader.varint()
    this.rows.read(reader)
    this.population.restore(reader)
  }
}

function lastDistance(row: Uint32Array): number {
  return ((row[LAST_SHOWN] >>> FLAG_BITS) & DISTANCE_MASK) - 1
}

/** Sets what the latest login showed, and the age of the new device kept; -1 for none. */
function keepShown(row: Uint32Array, shown: number, deviceAge: number): void {
  row[LAST_SHOWN] = shown | ((deviceAge + 1) << DEVICE_AGE_AT)
}

function keptAt(row: Uint32Array, word: number): Shown {
  return { distance: (row[word] >>> AGE_BITS) - 1, age: row[word] & AGE_MASK }
}

function keptDeviceAge(row: Uint32Array): number {
  return (row[LAST_SHOWN] >>> DEVICE_AGE_AT) - 1
}

/** How long before the event that second began in which a login of this age came. */
function msSince(row: Uint32Array, age: number, { eventTimeMs }: Features): number {
  return Math.max(0, eventTimeMs - (row[LAST_SECONDS] - age) * 1000)
}

/** Keeps the largest distance, and the largest since that one, of what was kept until now and the latest login, once another comes so long after it. */
function keepDistances(row: Uint32Array, seconds: number): void {
  const oldest = aged(keptAt(row, KEPT_LARGEST), seconds)
  const older = aged(keptAt(row, KEPT_NEWER), seconds)
  const last = aged({ distance: lastDistance(row), age: 0 }, seconds)
  keepLargest(row, oldest, older, last)
}

/** Keeps what a login showed that came behind the latest. */
function keepLate(row: Uint32Array, late: Shown, isNewDevice: boolean): void {
  if (late.age > KEPT_SECONDS) return
  if (late.distance >= 0) {
    const [oldest, older, last] = [keptAt(row, KEPT_LARGEST), keptAt(row, KEPT_NEWER), late].sort((a, b) => b.age - a.age)
    keepLargest(row, oldest, older, last)
  }
  const deviceAge = keptDeviceAge(row)
  if (isNewDevice && (deviceAge < 0 || late.age < deviceAge)) keepShown(row, row[LAST_SHOWN] & SHOWN_MASK, late.age)
}

/** Keeps the largest of three distances in order of time, and the largest since that one. */
function keepLargest(row: Uint32Array, oldest: Shown, older: Shown, last: Shown): void {
  const largest = larger(oldest, larger(older, last))
  const newer = largest === oldest ? larger(older, last) : largest === older ? last : NOTHING
  row[KEPT_LARGEST] = ((largest.distance + 1) << AGE_BITS) | largest.age
  row[KEPT_NEWER] = ((newer.distance + 1) << AGE_BITS) | newer.age
}

function aged({ distance, age }: Shown, seconds: number): Shown {
  return distance < 0 || age + seconds > KEPT_SECONDS ? NOTHING : { distance, age: age + seconds }
}

function larger(older: Shown, newer: Shown): Shown {
  return older.distance > newer.distance ? older : newer
}

/** Age of the latest new device once another login comes so long after the latest; -1 for none. */
function deviceAgeAfter(row: Uint32Array, seconds: number): number {
  const kept = keptDeviceAge(row)
  const age = (row[LAST_SHOWN] & NEW_DEVICE) !== 0 ? seconds : kept < 0 ? -1 : kept + seconds
  return age <= KEPT_SECONDS ? age : -1
}
