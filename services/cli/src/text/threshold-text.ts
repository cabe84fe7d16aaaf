import { grouped, money, scaled } from '@riskledger/detectors'

/** The threshold of a signal in words, to stand after its sentence; nothing where it has none in numbers. */
export function thresholdText(threshold: { readonly value: number; readonly unit: string } | null): string {
  return threshold === null ? '' : ` [threshold ${inWords(threshold)}]`
}

function inWords({ value, unit }: { readonly value: number; readonly unit: string }): string {
  if (unit.endsWith('-minor')) return money(value, unit.slice(0, 3))
  switch (unit) {
    case 'count':
      return grouped(value)
    case 'permille':
      return value > 1000 ? `${scaled(value, 3)} times` : `${scaled(value, 1)} %`
    case 'ppm':
      return `${scaled(value, 4)} %`
    case 'hours':
      return `${grouped(value)} h`
    case 'centi-deviations':
      return `${scaled(value, 2)} standard deviations`
    case 'centinats':
      return scaled(value, 2)
    default:
      return `${grouped(value)} ${unit}`
  }
}
