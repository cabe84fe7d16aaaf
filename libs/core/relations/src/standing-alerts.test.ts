import fc from 'fast-check'
import { ByteReader, ByteWriter } from '@riskledger/windows'
import { StandingAlerts, type StandingAlert } from './standing-alerts'

const subject = { number: fc.nat(2), origin: fc.constantFrom(1, 2), low: fc.constantFrom(0, 7), high: fc.constant(0) }

/** What providers report, and how time passes. */
const steps = fc.array(
  fc.oneof(
    fc.record({ ...subject, severity: fc.nat(4), fromMs: fc.nat(20), lastsMs: fc.integer({ min: 1, max: 30 }) }),
    fc.record({ ...subject, timeMs: fc.nat(40) }),
    fc.record({ endThroughMs: fc.nat(60) }),
    fc.constant('restart' as const),
  ),
  // Eight stand on a counterparty at most; fewer than that are reported.
  { maxLength: 8 },
)

test('stand as in a plain list that keeps every report by itself', () => {
  fc.assert(
    fc.property(steps, (happening) => {
      let alerts = new StandingAlerts()
      let plain: StandingAlert[] = []
      for (const step of happening) {
        if (step === 'restart') alerts = copyOf(alerts)
        else if ('endThroughMs' in step) {
          while (alerts.nextEndMs <= step.endThroughMs) alerts.endNext()
          plain = plain.filter(({ untilMs }) => untilMs > step.endThroughMs)
        } else if ('timeMs' in step) {
          alerts.clear(step)
          const { number, origin, low, timeMs } = step
          plain = plain.filter((a) => a.number !== number || a.origin !== origin || a.low !== low || a.fromMs > timeMs)
        } else {
          const { lastsMs, ...rest } = step
          const alert = { ...rest, untilMs: step.fromMs + lastsMs }
          alerts.raise(alert)
          plain.push(alert)
        }
        for (const number of [0, 1, 2]) {
          const severities = plain.filter((one) => one.number === number).map(({ severity }) => severity)
          expect(alerts.severityOf(number)).toBe(Math.max(-1, ...severities))
        }
      }
    }),
    { numRuns: 500 },
  )
})

test('of more than eight the gravest stand; one that is repeated takes one place', () => {
  const alerts = new StandingAlerts()
  const alert = { number: 0, low: 0, high: 0, fromMs: 0, untilMs: 100 }
  for (let origin = 1; origin <= 9; origin++) alerts.raise({ ...alert, origin, severity: origin })
  for (let fromMs = 1; fromMs < 20; fromMs++) alerts.raise({ ...alert, origin: 9, severity: 9, fromMs, untilMs: 100 + fromMs })
  expect(alerts.of(0).map(({ severity }) => severity)).toEqual([9, 8, 7, 6, 5, 4, 3, 2])
  while (alerts.nextEndMs < Infinity) alerts.endNext()
  expect(alerts.of(0)).toEqual([])
})

test('no number of reports by one provider, whatever their severity, pushes out the report of another', () => {
  const alerts = new StandingAlerts()
  const alert = { number: 0, low: 0, high: 0, untilMs: 1_000 }
  alerts.raise({ ...alert, origin: 2, severity: 700, fromMs: 0 })
  const had: boolean[] = []
  for (let i = 0; i < 8; i++) had.push(alerts.raise({ ...alert, origin: 1, severity: 800 - i, fromMs: i }))
  expect(had).toEqual([false, false, false, false, false, false, false, true])
  for (let low = 1; low <= 8; low++) expect(alerts.raise({ ...alert, origin: 1, low, severity: 900, fromMs: 0 })).toBe(true)
  expect(alerts.of(0).map(({ origin, severity }) => [origin, severity])).toEqual([...Array<unknown>(7).fill([1, 900]), [2, 700]])
  for (let low = 0; low <= 8; low++) alerts.clear({ number: 0, origin: 1, low, high: 0, timeMs: 10 })
  expect(alerts.severityOf(0)).toBe(700)
})

test('which ones stand does not depend on the order in which they came', () => {
  const report = fc.record({ origin: fc.integer({ min: 1, max: 4 }), severity: fc.nat(3) })
  const reports = fc
    .array(report, { maxLength: 24 })
    .map((all) => all.map((one, low) => ({ ...one, number: 0, low, high: 0, fromMs: 0, untilMs: 9 })))
  const orders = reports.chain((inOrder) => fc.tuple(fc.constant(inOrder), fc.shuffledSubarray(inOrder, { minLength: inOrder.length })))
  fc.assert(
    fc.property(orders, ([one, other]) => {
      const [first, second] = [new StandingAlerts(), new StandingAlerts()]
      for (const alert of one) first.raise(alert)
      for (const alert of other) second.raise(alert)
      expect(first.of(0)).toEqual(second.of(0))
    }),
    { numRuns: 300 },
  )
})

/** As after a restart from a snapshot. */
function copyOf(alerts: StandingAlerts): StandingAlerts {
  const writer = new ByteWriter()
  alerts.write(writer)
  const copy = new StandingAlerts()
  copy.read(new ByteReader(writer.finish()))
  return copy
}
