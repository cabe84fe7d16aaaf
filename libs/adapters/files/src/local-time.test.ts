import { createLocalTimeReader, daysFromCivil } from './local-time'

describe('local times', () => {
  const utc = createLocalTimeReader('UTC')
  const london = createLocalTimeReader('Europe/London')
  const iso = (ms: number): string => new Date(ms).toISOString()

  test.each([
    ['2018-04-01 00:00:31', '2018-04-01T00:00:31.000Z'],
    ['2018-04-01T23:59', '2018-04-01T23:59:00.000Z'],
    ['2020-02-29 12:00:00.25', '2020-02-29T12:00:00.250Z'],
    ['2020-02-29 12:00:00Z', '2020-02-29T12:00:00.000Z'],
  ])('reads %s', (text, expected) => expect(iso(utc.read(text))).toBe(expected))

  test.each([
    '',
    '2018-04-01',
    '2018-02-29 00:00:00',
    '2018-04-31 00:00',
    '2018-13-01 00:00',
    '1969-12-31 23:59',
    '2018-04-01 24:00:00',
    '2018-04-01 10:60',
    '2018-04-01 10:00:61',
    '2018-04-01 10:00:',
    '2018-04-01 10:00:00.',
    '2018-04-01 10:00:00.1234',
    '01/04/2018 10:00:00',
    '2018-04-01 1o:00:00',
    '2018-04-01 10:00:00 pm',
  ])('refuses %j', (text) => expect(utc.read(text)).toBeNaN())

  test('a zone has its offset of the season', () => {
    expect(iso(london.read('2011-01-15 12:00:00'))).toBe('2011-01-15T12:00:00.000Z')
    expect(iso(london.read('2011-07-15 12:00:00'))).toBe('2011-07-15T11:00:00.000Z')
    expect(london.offsetMinutes('2011-07-15 12:00:00')).toBe(60)
    expect(iso(createLocalTimeReader('Asia/Kolkata').read('2011-07-15 12:00:00'))).toBe('2011-07-15T06:30:00.000Z')
  })

  test('a time that does not exist moves forward by the gap', () => {
    expect(iso(london.read('2011-03-27 00:59:59'))).toBe('2011-03-27T00:59:59.000Z')
    expect(iso(london.read('2011-03-27 01:30:00'))).toBe('2011-03-27T01:30:00.000Z')
    expect(london.read('2011-03-27 01:30:00')).toBe(london.read('2011-03-27 02:30:00'))
    expect(iso(london.read('2011-03-27 02:00:00'))).toBe('2011-03-27T01:00:00.000Z')
    expect(iso(createLocalTimeReader('America/New_York').read('2026-03-08 02:30:00'))).toBe('2026-03-08T07:30:00.000Z')
  })

  test('of a time that exists twice the first is taken', () => {
    expect(iso(london.read('2011-10-30 01:30:00'))).toBe('2011-10-30T00:30:00.000Z')
    expect(iso(london.read('2011-10-30 02:00:00'))).toBe('2011-10-30T02:00:00.000Z')
    expect(iso(createLocalTimeReader('America/New_York').read('2026-11-01 01:30:00'))).toBe('2026-11-01T05:30:00.000Z')
  })

  test('days are those of the calendar', () => {
    for (let ms = Date.UTC(1970, 0, 1); ms < Date.UTC(2105, 0, 1); ms += 13 * 86_400_000) {
      const date = new Date(ms)
      expect(daysFromCivil(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate())).toBe(ms / 86_400_000)
    }
  })
})
