const SYMBOLS: Readonly<Record<string, string>> = { USD: '$', EUR: '€', GBP: '£' }
/** Currencies without minor units (ISO 4217). */
const WHOLE_CURRENCIES = new Set([
  'BIF',
  'CLP',
  'DJF',
  'GNF',
  'ISK',
  'JPY',
  'KMF',
  'KRW',
  'PYG',
  'RWF',
  'UGX',
  'VND',
  'VUV',
  'XAF',
  'XOF',
  'XPF',
])

/** Digits in groups of three: `1234567` becomes `1,234,567`. */
export function grouped(value: number): string {
  return String(Math.trunc(value)).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** An amount of minor units in words of money: `$3,000.00`, `CHF 12.50`, `JPY 300`. */
export function money(amountMinor: number, currency: string): string {
  const symbol = SYMBOLS[currency] ?? `${currency} `
  const sign = amountMinor < 0 ? '-' : ''
  const size = Math.abs(amountMinor)
  if (WHOLE_CURRENCIES.has(currency)) return `${sign}${symbol}${grouped(size)}`
  return `${sign}${symbol}${grouped(Math.floor(size / 100))}.${String(size % 100).padStart(2, '0')}`
}

/** A scaled integer with a point: `scaled(1234, 2)` is `12.34`; zeros at the end are dropped. */
export function scaled(value: number, digits: number): string {
  const sign = value < 0 ? '-' : ''
  const text = String(Math.abs(value)).padStart(digits + 1, '0')
  const whole = grouped(Number(text.slice(0, text.length - digits)))
  const rest = text.slice(text.length - digits).replace(/0+$/, '')
  return rest === '' ? `${sign}${whole}` : `${sign}${whole}.${rest}`
}

/** A share in thousandths as a percentage: `125` is `12.5 %`. */
export function percent(permille: number): string {
  return `${scaled(permille, 1)} %`
}

/** A count with its noun: `1 payment`, `1,204 payments`. */
export function counted(value: number, noun: string): string {
  return `${grouped(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** A length of time in its largest fitting unit, rounded down: `40 s`, `12 min`, `3 h`, `9 d`. */
export function duration(ms: number): string {
  if (ms < 60_000) return `${Math.floor(ms / 1000)} s`
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min`
  if (ms < 172_800_000) return `${Math.floor(ms / 3_600_000)} h`
  return `${Math.floor(ms / 86_400_000)} d`
}
