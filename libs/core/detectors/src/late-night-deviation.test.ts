import { decide, ordinary, pointsOf } from './testing/made-features'

const night = { localHour: 2, hourSharePpm: 0 }

test.each([
  [0, 60, 40],
  [5_000, 40, 30],
  [11_999, 0, 0],
  [12_000, 0, 0],
  [70_000, 0, 0],
])('a share of %d ppm earns %d points, and %d more at night', (hourSharePpm, byHour, byNight) => {
  expect(pointsOf(ordinary({ ...night, hourSharePpm }), 'unusual-hour')).toBe(byHour)
  expect(pointsOf(ordinary({ ...night, hourSharePpm }), 'unusual-night-hour')).toBe(byNight)
})

test.each([
  [23, 0],
  [0, 40],
  [4, 40],
  [5, 0],
])('%d h lies in the night or not: %d points', (localHour, points) => {
  expect(pointsOf(ordinary({ ...night, localHour }), 'unusual-night-hour')).toBe(points)
})

test('too little history says nothing', () => {
  expect(decide(ordinary({ ...night, hourHabitMilliCount: 19_999 })).scorePoints).toBe(0)
  expect(decide(ordinary({ ...night, hourHabitMilliCount: 20_000 })).scorePoints).toBe(100)
})

test('an unusual hour alone never reaches a challenge; with a large amount it weighs more than both', () => {
  expect(decide(ordinary(night)).verdict).toBe('allow')
  const large = { amountMinor: 40_000, habitDistanceCenti: 400, ratioToLargestPermille: 1_200 }
  const both = decide(ordinary({ ...night, ...large }))
  expect(both.scorePoints).toBe(decide(ordinary(night)).scorePoints + decide(ordinary(large)).scorePoints + 80)
  expect(both.combinations).toEqual([
    { code: 'large-amount-at-unusual-hour', points: 80, of: ['far-from-habit', 'unusual-hour', 'unusual-night-hour'] },
  ])
})

test('says whose clock it read', () => {
  const [signal] = decide(ordinary({ ...night, offsetSource: 'utc' })).signals
  expect(signal.features).toContainEqual(expect.objectContaining({ name: 'offset-from', text: 'utc' }))
  expect(signal.historyCount).toBe(180)
})
