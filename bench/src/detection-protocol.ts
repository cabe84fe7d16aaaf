const DAY_MS = 86_400_000
const TRAIN_DAYS = 7
const DELAY_DAYS = 7
const TEST_DAYS = 7
const TOP = 100

/** Scored payments in time order, one place in each list a payment. */
export interface ScoredPayments {
  readonly timesMs: readonly number[]
  /** Customers as small whole numbers. */
  readonly customers: readonly number[]
  readonly scores: readonly number[]
  readonly frauds: ReadonlySet<number>
}

/** Figures of one test week. */
export interface FoldFigures {
  /** First day of the seven of training, `YYYY-MM-DD`. */
  readonly trainFrom: string
  readonly averagePrecision: number
  readonly cardPrecisionAt100: number
  readonly aucRoc: number
  readonly payments: number
  readonly frauds: number
}

/**
 * One fold of the Fraud Detection Handbook's protocol (Le Borgne et al. 2022): seven days of training, seven of waiting, seven of test. Each
 * test day is without the customers that had a fraud in the training week, or from its end up to eight days before that test day. Average
 * precision and AUC ROC over the week, payments of equal score taken together; card precision: the 100 customers of highest score each
 * day (ties by customer number), those detected leave the days after, mean over the days. Nothing is trained here: training only says who is left out.
 */
export function measureFold(payments: ScoredPayments, trainFrom: string): FoldFigures {
  const firstDay = Date.parse(`${trainFrom}T00:00:00Z`) / DAY_MS
  const byDay = groupByDay(payments, firstDay)
  const left = new Set<number>()
  const leave = (day: number): void => {
    for (const i of byDay[day]) if (payments.frauds.has(i)) left.add(payments.customers[i])
  }
  for (let day = 0; day < TRAIN_DAYS; day++) leave(day)
  const tested: number[] = []
  const detected = new Set<number>()
  let hits = 0
  for (let day = 0; day < TEST_DAYS; day++) {
    const at = TRAIN_DAYS + DELAY_DAYS + day
    leave(at - 8)
    const rows = byDay[at].filter((i) => !left.has(payments.customers[i]))
    for (const i of rows) tested.push(i)
    hits += cardHits(payments, rows, detected)
  }
  return { trainFrom, ...rank(payments, tested), cardPrecisionAt100: hits / (TOP * TEST_DAYS), payments: tested.length }
}

function groupByDay(payments: ScoredPayments, firstDay: number): readonly number[][] {
  const byDay = Array.from({ length: TRAIN_DAYS + DELAY_DAYS + TEST_DAYS }, (): number[] => [])
  payments.timesMs.forEach((timeMs, i) => byDay[Math.floor(timeMs / DAY_MS) - firstDay]?.push(i))
  return byDay
}

function cardHits(payments: ScoredPayments, rows: readonly number[], detected: Set<number>): number {
  const cards = new Map<number, { score: number; fraud: boolean }>()
  for (const i of rows) {
    const customer = payments.customers[i]
    if (detected.has(customer)) continue
    const card = cards.get(customer) ?? { score: -1, fraud: false }
    card.score = Math.max(card.score, payments.scores[i])
    card.fraud ||= payments.frauds.has(i)
    cards.set(customer, card)
  }
  const top = [...cards].sort((a, b) => b[1].score - a[1].score || a[0] - b[0]).slice(0, TOP)
  let hits = 0
  for (const [customer, card] of top) {
    if (!card.fraud) continue
    hits++
    detected.add(customer)
  }
  return hits
}

function rank(payments: ScoredPayments, rows: number[]): { averagePrecision: number; aucRoc: number; frauds: number } {
  const { scores, frauds } = payments
  rows.sort((a, b) => scores[b] - scores[a])
  const positives = rows.filter((i) => frauds.has(i)).length
  let found = 0
  let averagePrecision = 0
  let area = 0
  for (let from = 0; from < rows.length;) {
    let to = from
    let hits = 0
    while (to < rows.length && scores[rows[to]] === scores[rows[from]]) if (frauds.has(rows[to++])) hits++
    area += (to - from - hits) * (found + hits / 2)
    found += hits
    averagePrecision += (hits / positives) * (found / to)
    from = to
  }
  return { averagePrecision, aucRoc: area / (positives * (rows.length - positives)), frauds: positives }
}
