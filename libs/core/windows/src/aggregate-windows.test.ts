import fc from 'fast-check'
import { from, lastValueFrom, map, toArray, type Observable } from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import { aggregateWindows, type AggregateWindowsOptions } from './aggregate-windows'
import { naiveSessions, naiveWindow } from './naive-windows'
import { EVENT_ACCEPTED, EVENT_LATE, EVENT_REJECTED, type ClosedWindow, type WindowBatch } from './window-batch'
import { hoppingWindow, sessionWindow, slidingWindow, tumblingWindow, type WindowSpecification } from './window-specification'
import { WindowState } from './window-state'

interface Event {
  readonly key: string
  readonly timeMs: number
  readonly value: number
}

function optionsOf(windows: readonly WindowSpecification[], maxOutOfOrdernessMs = 0): AggregateWindowsOptions<Event> {
  return {
    windows,
    watermark: { maxOutOfOrdernessMs },
    key: (event) => event.key,
    timeMs: (event) => event.timeMs,
    value: (event) => event.value,
  }
}

function inBatches(events: readonly Event[], size: number): Observable<Event[]> {
  return from(Array.from({ length: Math.ceil(events.length / size) }, (_, index) => events.slice(index * size, (index + 1) * size)))
}

/** `a1 b2`: key a at time 1, key b at time 2, each of value 1. */
function batch(text: string): Event[] {
  return text.split(' ').map((word) => ({ key: word[0], timeMs: Number(word.slice(1)), value: 1 }))
}

function told(closed: readonly ClosedWindow[]): string {
  return closed.map(({ key, startMs, endMs, count }) => `${key}${count}@${startMs}-${endMs}`).join(' ')
}

describe('aggregateWindows, as marbles', () => {
  const marbles = (
    check: (
      cold: (text: string, values: Record<string, Event[]>) => Observable<Event[]>,
      expectOf: TestScheduler['expectObservable'],
    ) => void,
  ): void => {
    new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(({ cold, expectObservable }) =>
      check(cold, expectObservable),
    )
  }

  test('sliding: a row per event, at once', () => {
    marbles((cold, expectOf) => {
      const source$ = cold('x--y--(z|)', { x: batch('a1 b2'), y: batch('a3 a4'), z: batch('a4') })
      const counts$ = source$.pipe(
        aggregateWindows(optionsOf([slidingWindow({ sizeMs: 3 })])),
        map((results) => Array.from({ length: results.size }, (_, row) => results.count(row, 0)).join()),
      )
      expectOf(counts$).toBe('x--y--(z|)', { x: '1,1', y: '2,2', z: '3' })
    })
  })

  test.each<[string, WindowSpecification[], Record<string, string>]>([
    ['tumbling', [tumblingWindow({ sizeMs: 5, graceMs: 0 })], { x: '', y: 'a1@0-5 b1@0-5', z: 'a1@5-10' }],
    ['tumbling, with grace', [tumblingWindow({ sizeMs: 5, graceMs: 3 })], { x: '', y: '', z: 'a1@0-5 b1@0-5' }],
    ['hopping', [hoppingWindow({ sizeMs: 4, advanceMs: 2, graceMs: 0 })], { x: 'a1@-2-2', y: 'a1@0-4 b1@0-4 b1@2-6', z: 'a1@4-8 a1@6-10' }],
    ['session', [sessionWindow({ inactivityGapMs: 3, graceMs: 0 })], { x: '', y: 'a1@1-1 b1@2-2', z: 'a1@6-6' }],
  ])('%s: closed windows as the watermark passes', (_name, windows, expected) => {
    marbles((cold, expectOf) => {
      const source$ = cold('x--y--(z|)', { x: batch('a1 b2'), y: batch('a6'), z: batch('a10') })
      const closed$ = source$.pipe(
        aggregateWindows(optionsOf(windows)),
        map((results) => told(results.details.closed)),
      )
      expectOf(closed$).toBe('x--y--(z|)', expected)
    })
  })
})

const someEvents = fc
  .array(
    fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      gapMs: fc.oneof({ weight: 8, arbitrary: fc.nat(6) }, { weight: 1, arbitrary: fc.constant(366 * 86_400_000) }),
      lateMs: fc.oneof(fc.constant(0), fc.nat(40)),
      value: fc.integer({ min: -9, max: 99 }),
    }),
    { maxLength: 150 },
  )
  .map((steps) => {
    let newestMs = 1000
    return steps.map(({ key, gapMs, lateMs, value }): Event => ({ key, timeMs: (newestMs += gapMs) - lateMs, value }))
  })

const everyKind = [
  slidingWindow({ sizeMs: 10, graceMs: 7 }),
  slidingWindow({ sizeMs: 25, delayMs: 8 }),
  slidingWindow({ sizeMs: 40 }),
  tumblingWindow({ sizeMs: 10, graceMs: 3 }),
  hoppingWindow({ sizeMs: 12, advanceMs: 5, graceMs: 0 }),
  sessionWindow({ inactivityGapMs: 4, graceMs: 2 }),
]

async function all(events: readonly Event[], size: number, state?: WindowState): Promise<WindowBatch[]> {
  return lastValueFrom(
    inBatches(events, size).pipe(
      aggregateWindows({ ...optionsOf(everyKind, 5), onComplete: 'flush', ...(state ? { state } : {}) }),
      toArray(),
    ),
  )
}

function summary(batches: readonly WindowBatch[]): object {
  return {
    sliding: batches.flatMap(({ sliding }) => [...sliding]),
    status: batches.flatMap(({ status }) => [...status]),
    closed: batches
      .flatMap(({ details }) => details.closed)
      .map((closed) => JSON.stringify(closed))
      .sort(),
    late: batches.at(-1)?.details.lateCounts,
  }
}

describe('aggregateWindows', () => {
  test('each kind of window equals its naive twin; every event is in its windows or counted as late', async () => {
    await fc.assert(
      fc.asyncProperty(someEvents, fc.integer({ min: 1, max: 40 }), async (events, size) => {
        const batches = await all(events, size)
        const rows = batches.flatMap((results) =>
          Array.from({ length: results.size }, (_, row) => [0, 1, 2].map((c) => [results.count(row, c), results.sum(row, c)])),
        )
        const status = batches.flatMap((results) => [...results.status])
        const closed = batches.flatMap((results) => results.details.closed)
        const entered: Event[][] = everyKind.map(() => [])
        const late = everyKind.map(() => 0)
        let newestMs = -Infinity
        events.forEach((event, row) => {
          newestMs = Math.max(newestMs, event.timeMs)
          const watermarkMs = newestMs - 5
          const slidingLate = event.timeMs < watermarkMs - 7
          everyKind.slice(0, 3).forEach((window, column) => {
            if (slidingLate) late[column]++
            else entered[column].push(event)
            const own = entered[column].filter(({ key }) => key === event.key)
            const { sizeMs, delayMs } = window as ReturnType<typeof slidingWindow>
            const { count, sum } = naiveWindow(own, { atMs: event.timeMs, delayMs, widthMs: sizeMs })
            expect(rows[row][column].map((figure) => figure + 0)).toEqual(slidingLate ? [0, 0] : [count, Number(sum)])
          })
          if (watermarkMs >= Math.floor(event.timeMs / 10) * 10 + 13) late[3]++
          else entered[3].push(event)
        })
        const tumbled = new Map<string, number>()
        for (const { key, timeMs } of entered[3])
          tumbled.set(`${key}@${Math.floor(timeMs / 10) * 10}`, (tumbled.get(`${key}@${Math.floor(timeMs / 10) * 10}`) ?? 0) + 1)
        const got = closed.filter(({ window }) => window === 3).map(({ key, startMs, count }) => [`${key}@${startMs}`, count] as const)
        expect(got.length).toBe(tumbled.size)
        expect(new Map(got)).toEqual(tumbled)
        const lateCounts = batches.at(-1)?.details.lateCounts ?? late
        expect(lateCounts.slice(0, 4)).toEqual(late.slice(0, 4))
        const inSessions = closed.filter(({ window }) => window === 5).reduce((sum, { count }) => sum + count, 0)
        if (events.length > 0) expect(inSessions + lateCounts[5]).toBe(events.length)
        expect(status.every((each) => each === EVENT_ACCEPTED || each === EVENT_LATE)).toBe(true)
      }),
    )
  })

  test('sessions of events that are not late equal the naive ones, whatever the order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ timeMs: fc.nat(300), value: fc.nat(9) }), { minLength: 1, maxLength: 60 }), async (events) => {
        const options = { ...optionsOf([sessionWindow({ inactivityGapMs: 6, graceMs: 0 })], 300), onComplete: 'flush' as const }
        const batches = await lastValueFrom(
          inBatches(
            events.map((event) => ({ key: 'a', ...event })),
            7,
          ).pipe(aggregateWindows(options), toArray()),
        )
        const got = batches
          .flatMap(({ details }) => details.closed)
          .map(({ startMs, endMs, count, sum }) => ({ startMs, endMs, count, sum }))
        expect(got).toEqual(naiveSessions(events, 6))
      }),
    )
  })

  test('results depend neither on how events fall into batches nor on a snapshot in between', async () => {
    await fc.assert(
      fc.asyncProperty(someEvents, fc.integer({ min: 1, max: 40 }), fc.nat(150), async (events, size, cut) => {
        const first = new WindowState(optionsOf(everyKind, 5))
        const source = (part: readonly Event[], state: WindowState, onComplete: 'keep' | 'flush'): Promise<WindowBatch[]> =>
          lastValueFrom(inBatches(part, 11).pipe(aggregateWindows({ ...optionsOf(everyKind, 5), state, onComplete }), toArray()))
        const before = await source(events.slice(0, cut), first, 'keep')
        const second = new WindowState(optionsOf(everyKind, 5))
        second.restore(first.snapshot())
        const after = await source(events.slice(cut), second, 'flush')
        expect(summary([...before, ...after])).toEqual(summary(await all(events, size)))
      }),
    )
  })

  test('figures may go to a place of the consumer, whatever lies there; the same ones', async () => {
    const sliding = [slidingWindow({ sizeMs: 10 }), slidingWindow({ sizeMs: 25 }), slidingWindow({ sizeMs: 40 })]
    await fc.assert(
      fc.asyncProperty(someEvents, fc.integer({ min: 1, max: 40 }), async (events, size) => {
        const place = new Float64Array(events.length * 6).fill(-7)
        let at = 0
        const figures = (length: number): Float64Array => place.subarray(at, (at += length))
        const run = (options: AggregateWindowsOptions<Event>): Promise<WindowBatch[]> =>
          lastValueFrom(inBatches(events, size).pipe(aggregateWindows(options), toArray()))
        const plain = await run(optionsOf(sliding, 5))
        await run({ ...optionsOf(sliding, 5), figures, expectedKeys: 2 })
        expect([...place]).toEqual(plain.flatMap((results) => [...results.sliding]))
      }),
    )
    const wrong = { ...optionsOf(sliding), figures: () => new Float64Array(5) }
    await expect(lastValueFrom(from([batch('a1')]).pipe(aggregateWindows(wrong)))).rejects.toThrow(
      'room for 5 numbers; needed are exactly 6',
    )
    expect(() => new WindowState({ ...optionsOf(sliding), expectedKeys: 0 })).toThrow('expectedKeys is 0')
  })

  test('bad events are values with a reason, and the stream goes on', async () => {
    const good = { key: 'a', timeMs: 5, value: 2 }
    const bad = [
      { ...good, timeMs: NaN },
      { ...good, timeMs: 1.5 },
      { ...good, timeMs: 9e15 },
      { ...good, value: 2 ** 53 },
      { ...good, value: 0.1 },
      { ...good, key: '' },
    ]
    const [results] = await lastValueFrom(
      from([[...bad, good]]).pipe(aggregateWindows(optionsOf([slidingWindow({ sizeMs: 9 })])), toArray()),
    )
    const reasons = results.details.rejected.map(({ reason }) => reason)
    expect(reasons).toEqual(['invalid-time', 'invalid-time', 'invalid-time', 'invalid-value', 'invalid-value', 'invalid-key'])
    expect([...results.status]).toEqual([...bad.map(() => EVENT_REJECTED), EVENT_ACCEPTED])
    expect(results.count(6, 0)).toBe(1)
  })

  test('keys beyond the limit are rejected; silent keys make room again', () => {
    const state = new WindowState({ ...optionsOf([slidingWindow({ sizeMs: 10 })]), maxKeys: 2 })
    const selectors = optionsOf([])
    const step = (text: string): WindowBatch => state.step(batch(text), { ...selectors, value: () => 1 })
    expect(step('a1 b2 c3').details.rejected).toEqual([{ row: 2, reason: 'too-many-keys' }])
    step('a50')
    step('a51')
    expect(step('c52').details.rejected).toEqual([])
  })

  test('past the cap of a key, the row is listed as a bound', () => {
    const state = new WindowState({
      ...optionsOf([tumblingWindow({ sizeMs: 100, graceMs: 0 }), slidingWindow({ sizeMs: 10 })]),
      maxEventsPerKey: 4,
    })
    const results = state.step(batch('a1 a1 a1 a1 a1'), { key: (event) => event.key, timeMs: (event) => event.timeMs, value: () => 1 })
    expect(results.details.inexact).toEqual([{ row: 4, window: 1 }])
    expect(results.count(4, 0)).toBe(4)
  })

  test('refuses a batch above 4,096, a foreign state and a foreign or damaged snapshot', async () => {
    const options = optionsOf([slidingWindow({ sizeMs: 9 })])
    const events = Array.from({ length: 4097 }, () => ({ key: 'a', timeMs: 1, value: 1 }))
    await expect(lastValueFrom(from([events]).pipe(aggregateWindows(options)))).rejects.toThrow('a batch of 4097 events; the limit is 4096')
    const other = new WindowState(optionsOf([slidingWindow({ sizeMs: 8 })]))
    expect(() => aggregateWindows({ ...options, state: other })).toThrow('the state was made with other options')
    expect(() => new WindowState(options).restore(other.snapshot())).toThrow('made with other options')
    const bytes = new WindowState(options).snapshot()
    expect(() => new WindowState(options).restore(bytes.subarray(0, bytes.length - 1))).toThrow('Snapshot is unusable')
  })

  test.each([
    [() => slidingWindow({ sizeMs: 0 }), 'sizeMs is 0'],
    [() => tumblingWindow({ sizeMs: 5, graceMs: -1 }), 'graceMs is -1'],
    [() => hoppingWindow({ sizeMs: 5, advanceMs: 6, graceMs: 0 }), 'above sizeMs'],
    [() => hoppingWindow({ sizeMs: 5000, advanceMs: 1, graceMs: 0 }), 'above 1024'],
    [() => sessionWindow({ inactivityGapMs: 1.5, graceMs: 0 }), 'inactivityGapMs is 1.5'],
  ])('refuses a specification: %s', (make, message) => {
    expect(make).toThrow(message)
  })
})
