import type { JudgedInput } from './judged-input'

/** What the account was used to when an input came: the numbers that its signals were held against. */
export interface Habit {
  /** Events of the input's kind, it among them, in windows `(t-w, t]`, and how many are usual, in thousandths a day. */
  readonly pace: { readonly in10min: number; readonly in1d: number; readonly in30d: number; readonly usualPerDayMilli: number }
  /** In the policy's reference currency; `milliCount`: how many they stand on, in thousandths, older ones counting less. Null below one. */
  readonly amounts: { readonly medianMinor: number; readonly highPercentileMinor: number; readonly milliCount: number } | null
  /** The share of the account's events in the input's hour, in millionths, and by whose offset from UTC the hour is told. */
  readonly hours: { readonly localHour: number; readonly sharePpm: number; readonly offsetSource: JudgedInput['features']['offsetSource'] }
}

/** The habit that a fold found; null for an input that came late, which is held against none. */
export function habitOf({ features }: JudgedInput): Habit | null {
  if (features.late) return null
  const { counts } = { payments: features.payments, logins: features.logins, 'p2p-trades': features.trades }[features.topic]
  const usualPerDayMilli = {
    payments: features.paymentsPerDayMilli,
    logins: features.loginsPerDayMilli,
    'p2p-trades': features.tradesPerDayMilli,
  }[features.topic]
  const { amountMedianMinor, amountPercentileMinor, amountHabitMilliCount, localHour, hourSharePpm, offsetSource } = features
  return {
    pace: { in10min: counts[1], in1d: counts[3], in30d: counts[5], usualPerDayMilli },
    amounts:
      amountHabitMilliCount < 1000
        ? null
        : { medianMinor: amountMedianMinor, highPercentileMinor: amountPercentileMinor, milliCount: amountHabitMilliCount },
    hours: { localHour, sharePpm: hourSharePpm, offsetSource },
  }
}
