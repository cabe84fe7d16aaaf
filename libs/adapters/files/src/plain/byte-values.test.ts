import { UUID_NAMESPACES, uuidText, uuidV5 } from '@riskledger/events'
import fc from 'fast-check'
import { decimalToUnits } from '../decimal'
import { createLocalTimeReader } from '../local-time'
import { MAX_NAME_BYTES, NameHasher } from '../name-hasher'
import { decimalUnits } from './byte-decimal'
import { ByteTimes } from './byte-times'

/** The text between others, so that what reads past its ends is found out. */
function placed(text: string): { readonly bytes: Buffer; readonly from: number; readonly to: number } {
  return { bytes: Buffer.from(`19${text}96`), from: 2, to: 2 + text.length }
}

test('a decimal number in bytes is what it is as a text', () => {
  const text = fc.oneof(
    fc.string({ unit: fc.constantFrom('0', '1', '9', '.', '-', 'e', ' '), maxLength: 8 }),
    fc.tuple(fc.integer(), fc.nat(9_999)).map(([whole, part]) => `${whole}.${part}`),
    fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n }).map(String),
  )
  fc.assert(
    fc.property(text, fc.integer({ min: 0, max: 8 }), (given, scale) => {
      const { bytes, from, to } = placed(given)
      expect(decimalUnits(bytes, from, to, scale)).toBe(decimalToUnits(given, scale))
    }),
    { numRuns: 2_000 },
  )
})

describe('a date and time in bytes is what it is as a text', () => {
  const two = (max: number): fc.Arbitrary<string> => fc.nat(max).map((value) => String(value).padStart(2, '0'))
  const time = fc
    .tuple(fc.integer({ min: 1965, max: 2040 }), two(12), two(31), fc.constantFrom(' ', ' ', 'T', 'T', '-'), two(24), two(60))
    .map(([year, month, day, separator, hour, minute]) => `${year}-${month}-${day}${separator}${hour}:${minute}`)
  const rest = fc.constantFrom('', ':00', ':59', ':31', ':60', ':7', '.5', ':07.', ':07.5', ':07.25', ':07.125', ':07.1234', ':07.x')
  const spoilt = fc.tuple(fc.nat(24), fc.constantFrom('', '', '', '', '', '', 'x', '/', ':', '-'))
  const text = fc.tuple(time, rest, fc.constantFrom('', '', '', 'Z', 'z'), spoilt).map(([begin, end, zone, [at, character]]) => {
    const whole = begin + end + zone
    return character === '' || at >= whole.length ? whole : whole.slice(0, at) + character + whole.slice(at + 1)
  })

  test.each(['UTC', 'Europe/London', 'America/St_Johns', 'Pacific/Apia'])('in %s', (zone) => {
    const texts = createLocalTimeReader(zone)
    const times = new ByteTimes(zone)
    let read = 0
    const check = (given: string): void => {
      const { bytes, from, to } = placed(given)
      const ms = texts.read(given)
      expect({ given, read: times.read(bytes, from, to) }).toEqual({ given, read: !Number.isNaN(ms) })
      if (Number.isNaN(ms)) return
      read++
      expect(times.ms).toBe(ms)
      expect(times.offsetMinutes + 0).toBe(texts.offsetMinutes(given) + 0)
    }
    for (const given of ['', '2018-04-01', '2018-04-01 00:00', '2018-02-29 00:00:00', '2020-02-29 23:59:59.9', '2011-12-30 12:00'])
      check(given)
    fc.assert(fc.property(text, check), { numRuns: 800 })
    expect(read).toBeGreaterThan(40)
  })
})

test('names that begin alike have the UUIDs that they have alone, over one block of SHA-1 and two', () => {
  const name = fc.tuple(fc.nat(MAX_NAME_BYTES), fc.string({ unit: fc.constantFrom('a', '/', '-', '0'), maxLength: 12 }))
  fc.assert(
    fc.property(fc.nat(MAX_NAME_BYTES), fc.array(name, { minLength: 1, maxLength: 6 }), (prefixBytes, names) => {
      const prefix = 'card-payments/payment/'.padEnd(MAX_NAME_BYTES, 'x').slice(0, prefixBytes)
      const hasher = new NameHasher(UUID_NAMESPACES.importedEvent, Buffer.from(prefix))
      for (const [bytes, start] of names) {
        const rest = start.padEnd(bytes, 'y').slice(0, Math.min(bytes, MAX_NAME_BYTES - prefixBytes))
        hasher.message.set(Buffer.from(rest), hasher.start)
        const found = new Uint8Array(20)
        hasher.writeUuid(hasher.start + rest.length, found, 2)
        expect(uuidText(found, 2)).toBe(uuidV5(UUID_NAMESPACES.importedEvent, Buffer.from(prefix + rest)))
        expect([found[1], found[18]]).toEqual([0, 0])
      }
    }),
    { numRuns: 500 },
  )
})
