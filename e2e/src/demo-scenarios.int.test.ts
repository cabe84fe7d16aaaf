import { join } from 'node:path'
import { startThread } from '@riskledger/runtime'
import type { PlayedSeed } from './demo-seeds-thread'

const OTHER_SEEDS = Array.from({ length: 20 }, (_, index) => 101 + index)

describe('the default policy on generated scenarios', () => {
  test("catches every case of the demo's own seed and holds no honest oddity", async () => {
    const [{ judgement }] = await play([7])
    expect(judgement.cases.filter((story) => !story.hit)).toEqual([])
    expect(judgement.cases).toHaveLength(5)
    expect(judgement.oddities).toHaveLength(25)
    expect(judgement.oddities.filter((story) => story.hit)).toEqual([])
    expect(judgement.falseAlarmsPpm).toBeLessThan(10_000)
  }, 300_000)

  test('catches at least nine in ten cases of 20 other seeds, with false alarms below 1 % in each', async () => {
    const halves = await Promise.all([play(OTHER_SEEDS.slice(0, 10)), play(OTHER_SEEDS.slice(10))])
    const plays = halves.flat()
    const caught = plays.reduce((sum, { judgement }) => sum + judgement.casesCaught, 0)
    const planted = plays.reduce((sum, { judgement }) => sum + judgement.cases.length, 0)
    expect(plays.map(({ seed }) => seed)).toEqual(OTHER_SEEDS)
    expect(planted).toBe(100)
    expect(caught / planted).toBeGreaterThanOrEqual(0.9)
    for (const { judgement, toPersonShare } of plays) {
      expect(judgement.falseAlarmsPpm).toBeLessThan(10_000)
      expect(toPersonShare).toBeLessThan(0.03)
    }
  }, 600_000)
})

function play(seeds: readonly number[]): Promise<readonly PlayedSeed[]> {
  return startThread<void, readonly PlayedSeed[]>(join(__dirname, 'demo-seeds-thread.ts'), { name: 'seeds', input: seeds }).done
}
