import { measureFold, type ScoredPayments } from './detection-protocol'

const DAY_MS = 86_400_000
const START_MS = Date.parse('2018-06-20T00:00:00Z')

/** `[day, customer, score, fraud]`, days from the start of training. */
function payments(rows: readonly (readonly [number, number, number, boolean])[]): ScoredPayments {
  return {
    timesMs: rows.map(([day]) => START_MS + day * DAY_MS + 1),
    customers: rows.map(([, customer]) => customer),
    scores: rows.map(([, , score]) => score),
    frauds: new Set(rows.flatMap(([, , , fraud], i) => (fraud ? [i] : []))),
  }
}

test('a perfect ranking has average precision and AUC 1, a detected card counts once', () => {
  const figures = measureFold(
    payments([
      [14, 1, 900, true],
      [14, 2, 10, false],
      [15, 1, 900, true],
      [15, 3, 0, false],
    ]),
    '2018-06-20',
  )
  expect(figures).toMatchObject({ averagePrecision: 1, aucRoc: 1, payments: 4, frauds: 2 })
  expect(figures.cardPrecisionAt100).toBeCloseTo(1 / 700, 12)
})

test('payments of one score are taken together', () => {
  const figures = measureFold(
    payments([
      [14, 1, 5, true],
      [14, 2, 5, false],
      [14, 3, 5, false],
      [14, 4, 5, false],
    ]),
    '2018-06-20',
  )
  expect(figures.averagePrecision).toBe(0.25)
  expect(figures.aucRoc).toBe(0.5)
})

test('customers with a fraud in training, or up to eight days before the test day, are left out from then on', () => {
  const late = [
    [7, 2, 0, true],
    [14, 2, 900, true],
    [15, 2, 900, true],
  ] as const
  const rows = [[3, 1, 0, true], [14, 1, 900, true], ...late, [16, 3, 1, true], [16, 4, 0, false]] as const
  // Customer 1 is out; customer 2 takes part on day 14 (day 6 is the eighth before) and is out from day 15 on.
  expect(measureFold(payments(rows), '2018-06-20')).toMatchObject({ payments: 3, frauds: 2 })
})
