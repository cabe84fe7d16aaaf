import { createZoneResolver, dayStartMs } from '../local-time'

const ZERO = 48

/** Reads date-times of one zone in ASCII, as `LocalTimeReader` reads them as texts. What was read stands here until the next. */
export class ByteTimes {
  /** Epoch milliseconds. */
  ms = NaN
  private localMs = NaN
  private lastDay = -1
  private lastDayMs = NaN
  private readonly resolve: ((localMs: number) => number) | undefined

  /** Throws `RangeError` for a zone that is not known. */
  constructor(timezone: string) {
    this.resolve = createZoneResolver(timezone)
  }

  /** Minutes to add to UTC at the time that was read, toward zero. */
  get offsetMinutes(): number {
    return Math.trunc((this.localMs - this.ms) / 60_000)
  }

  /** Reads `bytes[from, to)`; false where that is no date-time. */
  read(bytes: Uint8Array, from: number, to: number): boolean {
    if (to - from < 16) return false
    const utc = bytes[to - 1] === 90
    const dayMs = this.readDay(bytes, from)
    const timeMs = readTime(bytes, from, utc ? to - 1 : to)
    if (timeMs < 0 || Number.isNaN(dayMs)) return false
    this.localMs = dayMs + timeMs
    this.ms = this.resolve === undefined || utc ? this.localMs : this.resolve(this.localMs)
    return true
  }

  private readDay(bytes: Uint8Array, from: number): number {
    const century = twoDigits(bytes, from)
    const year = twoDigits(bytes, from + 2)
    const month = twoDigits(bytes, from + 5)
    const day = twoDigits(bytes, from + 8)
    if ((century | year | month | day) < 0 || bytes[from + 4] !== 45 || bytes[from + 7] !== 45) return NaN
    const packed = (century * 100 + year) * 10_000 + month * 100 + day
    if (packed !== this.lastDay) {
      this.lastDay = packed
      this.lastDayMs = dayStartMs(century * 100 + year, month, day)
    }
    return this.lastDayMs
  }
}

/** Milliseconds since midnight of what follows the ten characters of the day; -1 where it is no time. */
function readTime(bytes: Uint8Array, from: number, to: number): number {
  const separator = bytes[from + 10]
  if ((separator !== 32 && separator !== 84) || bytes[from + 13] !== 58) return -1
  const hour = twoDigits(bytes, from + 11)
  const minute = twoDigits(bytes, from + 14)
  const length = to - from
  if ((hour | minute) < 0 || hour > 23 || minute > 59 || length < 16) return -1
  const minuteMs = (hour * 60 + minute) * 60_000
  if (length === 16) return minuteMs
  const second = length >= 19 && bytes[from + 16] === 58 ? twoDigits(bytes, from + 17) : -1
  if (second < 0 || second > 59) return -1
  const ms = minuteMs + second * 1000
  if (length === 19) return ms
  const places = length - 20
  if (bytes[from + 19] !== 46 || places < 1 || places > 3) return -1
  let fraction = 0
  for (let at = from + 20; at < to; at++) {
    const digit = bytes[at] - ZERO
    if (!(digit >= 0 && digit <= 9)) return -1
    fraction = fraction * 10 + digit
  }
  return ms + (places === 3 ? fraction : places === 2 ? fraction * 10 : fraction * 100)
}

/** The number that two digits make; negative where they are none. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at] - ZERO
  const ones = bytes[at + 1] - ZERO
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1
}
