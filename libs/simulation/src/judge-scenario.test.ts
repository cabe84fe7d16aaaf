import { judgeScenario } from './judge-scenario'
import type { ScenarioLabel } from './scenario-item'

const caseLabel = (eventId: string, role: ScenarioLabel['role'] = 'sign'): ScenarioLabel => ({
  eventId,
  accountId: 'a-1',
  topic: 'payments',
  kind: 'case',
  id: 'dirty-money-1',
  name: 'dirty-money',
  role,
  expected: role === 'sign' ? 'hold' : null,
})
const oddity = (eventId: string): ScenarioLabel => ({
  eventId,
  accountId: 'a-2',
  topic: 'payments',
  kind: 'oddity',
  id: 'traveller-1',
  name: 'traveller',
  role: 'sign',
  expected: null,
})
const labels = [caseLabel('c1'), caseLabel('c2'), caseLabel('c0', 'context'), oddity('o1')]

describe('judgeScenario', () => {
  test('a case is caught by its strictest sign, not by its context', () => {
    const caught = judgeScenario(
      labels,
      [
        { eventId: 'c1', verdict: 'challenge' },
        { eventId: 'c2', verdict: 'block' },
      ],
      { screened: 1003 },
    )
    expect(caught).toMatchObject({ casesCaught: 1, casesMissed: 0, odditiesHeld: 0, falseAlarms: 0 })
    expect(caught.cases[0].verdict).toBe('block')
    const missed = judgeScenario(
      labels,
      [
        { eventId: 'c2', verdict: 'challenge' },
        { eventId: 'c0', verdict: 'block' },
      ],
      { screened: 1003 },
    )
    expect(missed).toMatchObject({ casesCaught: 0, casesMissed: 1, falseAlarms: 0 })
  })

  test('holds outside of cases are false alarms, challenges are not', () => {
    const decisions = [
      { eventId: 'o1', verdict: 'hold' },
      { eventId: 'x', verdict: 'block' },
      { eventId: 'y', verdict: 'challenge' },
    ] as const
    expect(judgeScenario(labels, decisions, { screened: 1003 })).toMatchObject({ odditiesHeld: 1, falseAlarms: 2, falseAlarmsPpm: 2000 })
  })
})
