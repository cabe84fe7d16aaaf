const SYMBOLS: Readonly<Record<string, string>> = { USD: '$', EUR: '€', GBP: '£' }
/** Digits of the minor unit, where they are not two (ISO 4217). */
const MINOR_DIGITS: Readonly<Record<string, number>> = {
  ...digitsOf(0, 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'),
  ...digitsOf(3, 'BHD IQD JOD KWD LYD OMR TND'),
  ...digitsOf(4, 'CLF UYW'),
}

/** Digits in groups of three: `1234567` becomes `1,234,567`. */
export function grouped(value: number): string {
  return String(Math.trunc(value)).replace(/\B(?=(\d{3})+$)/g, ',')
}

function digitsOf(digits: number, currencies: string): Record<string, number> {
  return Object.fromEntries(currencies.split(' ').map((currency) => [currency, digits]))
}

/** An amount of minor units in words of money: `$3,000.00`, `CHF 12.50`, `JPY 300`, `KWD 3.000`. */
export function money(amountMinor: number, currency: string): string {
  const symbol = SYMBOLS[currency] ?? `${currency} `
  const sign = amountMinor < 0 ? '-' : ''
  const size = Math.abs(amountMinor)
  const digits = MINOR_DIGITS[currency] ?? 2
  if (digits === 0) return `${sign}${symbol}${grouped(size)}`
  const text = String(size).padStart(digits + 1, '0')
  return `${sign}${symbol}${grouped(Number(text.slice(0, -digits)))}.${text.slice(-digits)}`
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
