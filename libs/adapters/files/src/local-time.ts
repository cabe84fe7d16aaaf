const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
const MAX_REMEMBERED_HOURS = 100_000

/** Reads date-times of one zone. */
export interface LocalTimeReader {
  /**
   * Epoch milliseconds of `YYYY-MM-DD HH:MM[:SS[.fff]]` (or with `T`), or NaN if the text is none. A time that its zone skips is
   * moved forward by the gap (02:30 becomes 03:30); of a time that comes twice, the first is taken. A text that ends in `Z` is UTC.
   */
  read(text: string): number
  /** Minutes to add to UTC at that time, toward zero; NaN likewise. 0 for a text that ends in `Z`; for a skipped time, the offset before the gap. */
  offsetMinutes(text: string): number
}

/** A reader for an IANA zone; `UTC` needs no look-up. Throws `RangeError` for a zone that is not known. */
export function createLocalTimeReader(timezone: string): LocalTimeReader {
  const resolve = createZoneResolver(timezone)
  let lastDay = ''
  let lastDayMs = NaN
  const read = (text: string, resolved: boolean): number => {
    const { length } = text
    if (length < 16) return NaN
    if (!text.startsWith(lastDay) || lastDay === '') {
      lastDayMs = readDay(text)
      lastDay = Number.isNaN(lastDayMs) ? '' : text.slice(0, 10)
    }
    const utc = text.charCodeAt(length - 1) === 90
    const localMs = lastDayMs + readTime(text, utc ? length - 1 : length)
    return resolve === undefined || !resolved || utc || Number.isNaN(localMs) ? localMs : resolve(localMs)
  }
  return {
    read: (text) => read(text, true),
    offsetMinutes: (text) => Math.trunc((read(text, false) - read(text, true)) / 60_000),
  }
}

/** Days since 1970-01-01 of a date of the proleptic Gregorian calendar (Hinnant, "chrono-Compatible Low-Level Date Algorithms", 2013). */
export function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
}

function readDay(text: string): number {
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return NaN
  return dayStartMs(digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2))
}

/** The midnight with which a day begins, in milliseconds as if its zone were UTC; NaN where there is no such day, or it lies before 1970. */
export function dayStartMs(year: number, month: number, day: number): number {
  if (!(year >= 1970 && month >= 1 && month <= 12 && day >= 1)) return NaN
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const longest = month === 2 ? (leap ? 29 : 28) : month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
  return day > longest ? NaN : daysFromCivil(year, month, day) * DAY_MS
}

function readTime(text: string, end: number): number {
  const separator = text.charCodeAt(10)
  if ((separator !== 32 && separator !== 84) || text.charCodeAt(13) !== 58) return NaN
  const hour = digits(text, 11, 2)
  const minute = digits(text, 14, 2)
  if (!(hour <= 23 && minute <= 59)) return NaN
  const ms = (hour * 60 + minute) * 60_000
  if (end === 16) return ms
  const second = text.charCodeAt(16) === 58 && end >= 19 ? digits(text, 17, 2) : NaN
  if (!(second <= 59)) return NaN
  if (end === 19) return ms + second * 1000
  const places = end - 20
  if (text.charCodeAt(19) !== 46 || places < 1 || places > 3) return NaN
  return ms + second * 1000 + digits(text, 20, places) * [100, 10, 1][places - 1]
}

/** The value of `count` decimal digits, NaN if there is anything else. */
function digits(text: string, from: number, count: number): number {
  let value = 0
  for (let i = from; i < from + count; i++) {
    const digit = text.charCodeAt(i) - 48
    if (!(digit >= 0 && digit <= 9)) return NaN
    value = value * 10 + digit
  }
  return value
}

/**
 * The function that turns local milliseconds of an IANA zone into those of the epoch; undefined for UTC, which needs none. Throws `RangeError`
 * for a zone that is not known.
 */
export function createZoneResolver(timezone: string): ((localMs: number) => number) | undefined {
  if (/^(utc|etc\/utc|gmt)$/i.test(timezone)) return undefined
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  const offsetAt = (utcMs: number): number => {
    const part: Record<string, number> = {}
    for (const { type, value } of format.formatToParts(utcMs)) part[type] = Number(value)
    const local = daysFromCivil(part.year, part.month, part.day) * DAY_MS + part.hour * HOUR_MS + part.minute * 60_000 + part.second * 1000
    return local - Math.floor(utcMs / 1000) * 1000
  }
  /** Local hours a day away from any change of offset, with the offset that holds in them. */
  const calmHours = new Map<number, number>()
  return (localMs) => {
    const hour = Math.floor(localMs / HOUR_MS)
    const calm = calmHours.get(hour)
    if (calm !== undefined) return localMs - calm
    const before = offsetAt(localMs - DAY_MS)
    const after = offsetAt(localMs + DAY_MS)
    if (before === after) {
      if (calmHours.size >= MAX_REMEMBERED_HOURS) calmHours.clear()
      calmHours.set(hour, before)
      return localMs - before
    }
    const withBefore = localMs - before
    const withAfter = localMs - after
    const beforeHolds = offsetAt(withBefore) === before
    const afterHolds = offsetAt(withAfter) === after
    if (beforeHolds && afterHolds) return Math.min(withBefore, withAfter)
    // In a gap neither holds: the offset before it, applied past it, moves the time forward by the gap.
    return afterHolds ? withAfter : withBefore
  }
}
