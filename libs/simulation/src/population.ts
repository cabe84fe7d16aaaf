import type { Random } from './random'
import type { CaseName, OddityName } from './scenario-item'

/** Where an account lives. */
export interface Home {
  readonly countryCode: string
  readonly region: string
  readonly utcOffsetMinutes: number
  readonly latitudeCentidegrees: number
  readonly longitudeCentidegrees: number
  readonly asn: number
  readonly mobileAsn: number
  readonly currency: 'USD' | 'EUR'
}

/** A device, with what a login tells of it. */
export interface Device {
  readonly deviceId: string
  readonly browserToken: string
  readonly osToken: string
  readonly deviceType: string
}

/** An account's habits and its part in the scenario. */
export interface Account {
  readonly index: number
  readonly accountId: string
  readonly home: Home
  readonly devices: readonly Device[]
  readonly ipPrefixToken: string
  readonly instrumentToken: string
  /** Typical purchase in minor units of the home currency. */
  readonly medianMinor: number
  readonly sessionsPerDayPermille: number
  readonly hourShift: number
  readonly favourites: readonly number[]
  /** True for those who trade with others. */
  readonly trader: boolean
  readonly part: Part
}

/** What an account is there for. */
export type Part =
  | { readonly kind: 'ordinary' }
  | { readonly kind: 'case'; readonly name: CaseName; readonly id: string }
  | { readonly kind: 'oddity'; readonly name: OddityName; readonly id: string }

/** Units of the reference currency (USD) per hundred units of a currency. Fixed: the scenario has no market. */
export const REFERENCE_PER_HUNDRED = { USD: 100, EUR: 108 } as const

/** Cities that accounts live in and travel to. */
export const HOMES: readonly Home[] = [
  home('US', 'US-NY', -240, 4071, -7401, 7018, 21928, 'USD'),
  home('US', 'US-IL', -300, 4188, -8763, 7922, 22394, 'USD'),
  home('SG', 'SG-01', 480, 135, 10382, 9506, 45143, 'USD'),
  home('HK', 'HK-HCW', 480, 2232, 11417, 4760, 9269, 'USD'),
  home('GB', 'GB-LND', 60, 5151, -13, 2856, 12576, 'EUR'),
  home('DE', 'DE-BE', 120, 5252, 1340, 3320, 6805, 'EUR'),
  home('ES', 'ES-MD', 120, 4042, -370, 3352, 12479, 'EUR'),
  home('JP', 'JP-13', 540, 3568, 13969, 2516, 17676, 'USD'),
]

const BROWSERS = ['chrome-125', 'safari-17', 'firefox-126', 'edge-125']
const SYSTEMS = [
  { osToken: 'ios-17', deviceType: 'phone' },
  { osToken: 'android-14', deviceType: 'phone' },
  { osToken: 'windows-11', deviceType: 'desktop' },
  { osToken: 'macos-14', deviceType: 'desktop' },
]

/** Makes an account by its own random numbers. Parts other than `ordinary` make their holders regular, with a long history. */
export function makeAccount(index: number, random: Random, options: { readonly merchants: number; readonly part: Part }): Account {
  const { part } = options
  const ordinary = part.kind === 'ordinary'
  const trades = part.kind === 'case' && (part.name === 'stolen-phone' || part.name === 'dirty-money')
  return {
    index,
    accountId: `a-${String(index + 1).padStart(4, '0')}`,
    home: random.pick(HOMES),
    devices: Array.from({ length: random.chance(400) ? 2 : 1 }, () => makeDevice(random)),
    ipPrefixToken: `px-${hexToken(random)}`,
    instrumentToken: `card-${hexToken(random)}`,
    medianMinor: Math.round(((ordinary ? random.between(1_800, 9_000) : random.between(3_500, 6_500)) * random.spreadPermille()) / 1000),
    sessionsPerDayPermille: ordinary ? random.between(350, 1_500) : random.between(1_100, 1_500),
    hourShift: random.between(-1, 1),
    favourites: Array.from({ length: random.between(5, 9) }, () => popularMerchant(random, options.merchants)),
    trader: trades || (ordinary && random.chance(300)),
    part,
  }
}

/** A device that nobody else has. */
export function makeDevice(random: Random): Device {
  return { deviceId: `d-${hexToken(random)}`, browserToken: random.pick(BROWSERS), ...random.pick(SYSTEMS) }
}

/** A merchant's index, the low ones far more often: the smaller of two draws. */
export function popularMerchant(random: Random, merchants: number): number {
  return Math.min(random.below(merchants), random.below(merchants))
}

/** Twelve hexadecimal digits. */
export function hexToken(random: Random): string {
  return random.bits().toString(16).padStart(8, '0') + (random.bits() & 0xffff).toString(16).padStart(4, '0')
}

function home(
  ...[countryCode, region, utcOffsetMinutes, latitudeCentidegrees, longitudeCentidegrees, asn, mobileAsn, currency]: [
    string,
    string,
    number,
    number,
    number,
    number,
    number,
    'USD' | 'EUR',
  ]
): Home {
  return { countryCode, region, utcOffsetMinutes, latitudeCentidegrees, longitudeCentidegrees, asn, mobileAsn, currency }
}
