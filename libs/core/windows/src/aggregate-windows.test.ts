import { strict as assert } from 'node:assert'
import fc from 'fast-check'
import { from, lastValueFrom, map, take, toArray, type Observable } from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import { aggregateWindows, type AggregateWindowsOptions } from './aggregate-windows'
import { naiveAligned, naiveClosingSessions, naiveSessions, naiveWindow, type NaiveOutcome } from './naive-windows'
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

const selectors = {
  key: (event: Event) => event.key,
  timeMs: (event: Event) => event.timeMs,
  value: (event: Event) => event.value,
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
  slidingWindow({ sizeMs: 25, delayMs: 8, graceMs: 7 }),
  slidingWindow({ sizeMs: 40, graceMs: 7 }),
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

interface Run {
  readonly events: readonly Event[]
  readonly size: number
  readonly windows: readonly WindowSpecification[]
  readonly maxOutOfOrdernessMs: number
}

/** What closes with each batch, the flush being the last; sorted within one. */
function closings(batches: readonly (readonly Omit<ClosedWindow, 'window' | 'exact'>[])[]): string[][] {
  return batches.map((closed) =>
    closed.map(({ key, startMs, endMs, count, sum }) => `${key} ${startMs}-${endMs}: ${count} of ${sum}`).sort(),
  )
}

function naiveOutcome(events: readonly Event[], window: WindowSpecification, maxOutOfOrdernessMs: number): NaiveOutcome {
  assert(window.kind !== 'sliding', 'sliding windows do not close')
  return window.kind === 'session'
    ? naiveClosingSessions(events, { ...window, maxOutOfOrdernessMs })
    : naiveAligned(events, { ...window, maxOutOfOrdernessMs })
}

/** Holds a window that closes to its naive twin: what closes, with which count and sum, in which batch; and how many events were late. */
function expectAsNaive(batches: readonly WindowBatch[], { events, size, windows, maxOutOfOrdernessMs }: Run): void {
  windows.forEach((window, index) => {
    if (window.kind === 'sliding') return
    const { closed, lateCount } = naiveOutcome(events, window, maxOutOfOrdernessMs)
    const flush = batches.length - 1
    const expected = batches.map((_, batchIndex) =>
      closed.filter(({ closedBy }) => Math.min(flush, Math.floor(closedBy / size)) === batchIndex),
    )
    const got = batches.map(({ details }) => details.closed.filter((each) => each.window === index))
    expect(closings(got)).toEqual(closings(expected))
    expect(got.flat().every(({ exact }) => exact)).toBe(true)
    expect(batches[flush].details.lateCounts[index]).toBe(lateCount)
  })
}

/** Windows that close, of any small size and grace: late events are often within one and beyond another. */
const closingWindows = fc
  .record({
    sizeMs: fc.integer({ min: 1, max: 30 }),
    advanceMs: fc.integer({ min: 1, max: 30 }),
    graceMs: fc.nat(40),
    gapMs: fc.integer({ min: 1, max: 12 }),
  })
  .map(({ sizeMs, advanceMs, graceMs, gapMs }) => [
    tumblingWindow({ sizeMs, graceMs }),
    hoppingWindow({ sizeMs, advanceMs: Math.min(advanceMs, sizeMs), graceMs }),
    sessionWindow({ inactivityGapMs: gapMs, graceMs }),
  ])

describe('aggregateWindows', () => {
  test('each kind of window equals its naive twin; every event is in its windows or counted as late', async () => {
    await fc.assert(
      fc.asyncProperty(someEvents, fc.integer({ min: 1, max: 40 }), async (events, size) => {
        const batches = await all(events, size)
        const rows = batches.flatMap((results) =>
          Array.from({ length: results.size }, (_, row) => [0, 1, 2].map((c) => [results.count(row, c), results.sum(row, c)])),
        )
        const status = batches.flatMap((results) => [...results.status])
        const entered: Event[][] = everyKind.map(() => [])
        let late = 0
        let newestMs = -Infinity
        events.forEach((event, row) => {
          newestMs = Math.max(newestMs, event.timeMs)
          const slidingLate = event.timeMs < newestMs - 5 - 7
          if (slidingLate) late++
          everyKind.slice(0, 3).forEach((window, column) => {
            if (!slidingLate) entered[column].push(event)
            const own = entered[column].filter(({ key }) => key === event.key)
            const { sizeMs, delayMs } = window as ReturnType<typeof slidingWindow>
            const { count, sum } = naiveWindow(own, { atMs: event.timeMs, delayMs, widthMs: sizeMs })
            expect(rows[row][column].map((figure) => figure + 0)).toEqual(slidingLate ? [0, 0] : [count, Number(sum)])
          })
        })
        expect(batches.at(-1)?.details.lateCounts.slice(0, 3)).toEqual([late, late, late])
        expectAsNaive(batches, { events, size, windows: everyKind, maxOutOfOrdernessMs: 5 })
        expect(status.every((each) => each === EVENT_ACCEPTED || each === EVENT_LATE)).toBe(true)
      }),
    )
  })

  test('windows that close equal their naive twins, whatever their size and grace', async () => {
    await fc.assert(
      fc.asyncProperty(
        someEvents,
        fc.integer({ min: 1, max: 40 }),
        closingWindows,
        fc.nat(20),
        async (events, size, windows, outOfOrder) => {
          const options = { ...optionsOf(windows, outOfOrder), onComplete: 'flush' as const }
          const batches = await lastValueFrom(inBatches(events, size).pipe(aggregateWindows(options), toArray()))
          expectAsNaive(batches, { events, size, windows, maxOutOfOrdernessMs: outOfOrder })
        },
      ),
      { numRuns: 200 },
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
    const step = (text: string): WindowBatch => state.step(batch(text), selectors)
    expect(step('a1 b2 c3').details.rejected).toEqual([{ row: 2, reason: 'too-many-keys' }])
    step('a50')
    step('a51')
    expect(step('c52').details.rejected).toEqual([])
  })

  test('at the limit of open windows, only an event that would open one more is rejected', () => {
    const sliding = slidingWindow({ sizeMs: 1000 })
    const rejectedRows = (window: WindowSpecification, text: string): number[] => {
      const state = new WindowState({ ...optionsOf([window, sliding]), maxKeys: 2 })
      const { details } = state.step(batch(text), selectors)
      expect(details.rejected.every(({ reason }) => reason === 'too-many-keys')).toBe(true)
      const open = state.flush().details.closed.reduce((sum, { count }) => sum + count, 0)
      expect(open + details.closed.length).toBeGreaterThan(0)
      return details.rejected.map(({ row }) => row)
    }
    expect(rejectedRows(tumblingWindow({ sizeMs: 100, graceMs: 0 }), 'a1 b2 a3 c4 b5')).toEqual([3])
    expect(rejectedRows(sessionWindow({ inactivityGapMs: 10, graceMs: 100 }), 'a1 a30 a40 a60 a21 a5 c7')).toEqual([3, 6])
    // Windows [0, 4) and [2, 6) are a's: 3 is in both, 6 would need [4, 8) and [6, 10).
    expect(rejectedRows(hoppingWindow({ sizeMs: 4, advanceMs: 2, graceMs: 100 }), 'a2 a3 a6 b3 a3')).toEqual([2, 3])
    // What is late opens nothing.
    const late = new WindowState({ ...optionsOf([tumblingWindow({ sizeMs: 10, graceMs: 0 })]), maxKeys: 1 })
    expect([...late.step(batch('a50 b1'), selectors).status]).toEqual([EVENT_ACCEPTED, EVENT_LATE])
  })

  test.each([
    ['sliding windows only', [slidingWindow({ sizeMs: 3 }), slidingWindow({ sizeMs: 30, delayMs: 4 })]],
    ['windows of every kind', everyKind],
  ])('at the limit of keys too, batches make no difference: %s', (_name, windows) => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ key: fc.nat(9), gapMs: fc.nat(9) }), { maxLength: 120 }),
        fc.integer({ min: 1, max: 40 }),
        (steps, size) => {
          let timeMs = 0
          // Repeated, so that sweeps by count fall into batches.
          const events = Array.from({ length: 60 }, () => steps)
            .flat()
            .map(({ key, gapMs }) => ({ key: `k${key}`, timeMs: (timeMs += gapMs), value: 1 }))
          const run = (length: number): object => {
            const state = new WindowState({ ...optionsOf(windows), maxKeys: 4, expectedKeys: 4 })
            const batches: WindowBatch[] = []
            for (let at = 0; at < events.length; at += length) batches.push(state.step(events.slice(at, at + length), selectors))
            return { ...summary(batches), state: Buffer.from(state.snapshot()).toString('hex') }
          }
          expect(run(size)).toEqual(run(4096))
        },
      ),
      { numRuns: 15 },
    )
  })

  test('silent keys are forgotten after so many events, in whatever batches, and after a restoration', () => {
    const options = optionsOf([slidingWindow({ sizeMs: 10 })])
    const events = Array.from({ length: 10_000 }, (_, at) => ({ key: at % 50 === 0 ? `k${at}.` : 'a', timeMs: at, value: 1 }))
    const run = (length: number, restoredAt = -1): Buffer => {
      let state = new WindowState(options)
      for (let at = 0; at < events.length; at += length) {
        state.step(events.slice(at, at + length), selectors)
        if (at !== restoredAt) continue
        const bytes = state.snapshot()
        state = new WindowState(options)
        state.restore(bytes)
      }
      return Buffer.from(state.snapshot())
    }
    const whole = run(4096)
    expect(whole.includes('k50.')).toBe(false)
    for (const length of [1, 1000, 4095]) expect(run(length).equals(whole)).toBe(true)
    expect(run(1000, 3000).equals(whole)).toBe(true)
  })

  test.each([
    ['sliding windows only', everyKind.slice(0, 3)],
    ['windows of every kind', everyKind],
  ])('where a selector or the room for figures fails, nothing has changed: %s', (_name, windows) => {
    const state = new WindowState(optionsOf(windows))
    state.step(batch('a1 b2'), selectors)
    const before = state.snapshot()
    const events = batch('a50 c60 d1 e70')
    const failing = (event: Event): never => {
      throw new Error(`cannot read ${event.key}`)
    }
    for (const name of ['key', 'timeMs', 'value'] as const) {
      const read = selectors[name]
      const failingSelectors = { ...selectors, [name]: (event: Event) => (event.key === 'e' ? failing(event) : read(event)) }
      expect(() => state.step(events, failingSelectors)).toThrow('cannot read e')
    }
    expect(() => state.step(events, selectors, { figures: () => new Float64Array(5) })).toThrow('room for 5 numbers')
    expect(Buffer.from(state.snapshot()).equals(before)).toBe(true)
    expect(state.step(batch('a2'), selectors).count(0, 0)).toBe(2)
  })

  test('unsubscribing stops a synchronous source, and flushes nothing', () => {
    const options = optionsOf(everyKind)
    const state = new WindowState(options)
    let pulled = 0
    function* batches(): Generator<Event[]> {
      while (pulled < 100) yield [{ key: 'a', timeMs: ++pulled, value: 1 }]
    }
    const got: number[] = []
    from(batches())
      .pipe(aggregateWindows({ ...options, state, onComplete: 'flush' }), take(2))
      .subscribe(({ size }) => got.push(size))
    expect(got).toEqual([1, 1])
    expect(pulled).toBe(2)
    expect(state.watermarkMs).toBe(2)
    expect(state.flush().details.closed.length).toBeGreaterThan(0)
  })

  test('after a failure no batch enters the state, and nothing is flushed', () => {
    const state = new WindowState(optionsOf(everyKind))
    const failing = { ...optionsOf(everyKind), timeMs: (event: Event) => (event.key === 'x' ? ([] as number[][])[1][0] : event.timeMs) }
    const seen: string[] = []
    from([batch('a1'), batch('a2 x3'), batch('a4')])
      .pipe(aggregateWindows({ ...failing, state, onComplete: 'flush' }))
      .subscribe({
        next: ({ size }) => seen.push(`batch of ${size}`),
        error: () => seen.push('error'),
        complete: () => seen.push('complete'),
      })
    expect(seen).toEqual(['batch of 1', 'error'])
    expect(state.watermarkMs).toBe(1)
  })

  test('an event late by exactly the grace enters; one later still does not', () => {
    const late = (window: WindowSpecification, text: string): number[] =>
      [...new WindowState(optionsOf([window], 10)).step(batch(text), selectors).status].slice(1)
    // Watermark 90, grace 5.
    expect(late(slidingWindow({ sizeMs: 50, graceMs: 5 }), 'a100 a85 a84')).toEqual([EVENT_ACCEPTED, EVENT_LATE])
    expect(late(tumblingWindow({ sizeMs: 1, graceMs: 5 }), 'a100 a85 a84')).toEqual([EVENT_ACCEPTED, EVENT_LATE])
    expect(late(hoppingWindow({ sizeMs: 2, advanceMs: 1, graceMs: 4 }), 'a100 a85 a84')).toEqual([EVENT_ACCEPTED, EVENT_LATE])
    expect(late(sessionWindow({ inactivityGapMs: 1, graceMs: 4 }), 'a100 a85 a83')).toEqual([EVENT_ACCEPTED, EVENT_LATE])
  })

  test('sliding windows of one state have one grace', () => {
    const windows = [slidingWindow({ sizeMs: 5 }), tumblingWindow({ sizeMs: 5, graceMs: 9 }), slidingWindow({ sizeMs: 5, graceMs: 3 })]
    expect(() => aggregateWindows(optionsOf(windows))).toThrow('sliding windows have graceMs of 0 and 3; it must be the same for all')
    expect(() => new WindowState(optionsOf(windows.slice(0, 2)))).not.toThrow()
  })

  test('a key may have very many open sessions, joined in any order', () => {
    const state = new WindowState(optionsOf([sessionWindow({ inactivityGapMs: 1000, graceMs: 1e12 })]))
    const sessions = 15 * 4096
    const step = (timeOf: (index: number) => number): WindowBatch =>
      state.step(
        Array.from({ length: 4096 }, (_, index) => ({ key: 'a', timeMs: timeOf(index), value: 1 })),
        selectors,
      )
    for (let at = 0; at < sessions; at += 4096) step((index) => (at + index) * 2000)
    // Each lies between two sessions, far from the one before it.
    step((index) => ((index * 7919) % 4096) * 4000 + 1000)
    const { closed } = state.flush().details
    expect(closed.length).toBe(sessions - 4096)
    const expected = Array.from(closed, (_, at) => (at < 4096 ? `3 from ${at * 4000}` : `1 from ${(at + 4096) * 2000}`))
    expect(closed.map(({ count, startMs }) => `${count} from ${startMs}`).join()).toBe(expected.join())
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
