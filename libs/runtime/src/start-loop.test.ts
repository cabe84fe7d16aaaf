import { RiskError, type Logger } from '@riskledger/contracts'
import { createMetrics } from './create-metrics'
import { startLoop, type LoopOptions } from './start-loop'

const quiet: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const outage = (): RiskError => new RiskError('ledger-unavailable', 'the ledger does not answer', { retriable: true })
const retry = { initialMs: 1, capMs: 2, maxAttempts: 3 }

/** A loop over the numbers given that records what happens, in order. */
function recorded(numbers: readonly number[], changes: Partial<LoopOptions<number, string>> = {}) {
  const events: string[] = []
  const metrics = createMetrics()
  let next = 0
  const options: LoopOptions<number, string> = {
    name: 'test',
    logger: quiet,
    metrics,
    retry,
    pull: () => Promise.resolve(numbers[next++]),
    step: (batch) => {
      events.push(`step ${batch}`)
      return `out ${batch}`
    },
    commit: (output) => {
      events.push(`commit ${output}`)
      return Promise.resolve()
    },
    ...changes,
  }
  return { options, events, metrics }
}

/** Its pulls, each noted once it has come. */
function pullsNoted({ pull }: LoopOptions<number, string>, events: string[]): LoopOptions<number, string>['pull'] {
  return async (...asked) => {
    const batch = await pull(...asked)
    events.push(`pull ${batch}`)
    return batch
  }
}

const untilAborted = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    signal.addEventListener('abort', () => resolve(undefined))
  })

describe('startLoop', () => {
  test('pulls, steps and commits in order, and ends when there is nothing left', async () => {
    const { options, events, metrics } = recorded([1, 2])
    await startLoop(options).done
    expect(events).toEqual(['step 1', 'commit out 1', 'step 2', 'commit out 2'])
    expect(await metrics.exposition()).toContain('riskledger_loop_batches_total{loop="test"} 2')
  })

  test('waits by the timers that it is given', async () => {
    const waits: string[] = []
    let failures = 2
    const { options, events } = recorded([1], {
      retry: {},
      commit: () => (failures-- > 0 ? Promise.reject(outage()) : Promise.resolve()),
      prefetch: () => true,
      timers: {
        sleep: (delayMs) => Promise.resolve(void waits.push(`${delayMs} ms`)),
        nextTurn: () => Promise.resolve(void waits.push('turn')),
      },
    })
    await startLoop(options).done
    expect(events).toEqual(['step 1'])
    expect(waits.filter((wait) => wait !== 'turn')).toEqual(['50 ms', '100 ms'])
    expect(waits).toContain('turn')
  })

  test('stop waits until what was stepped is committed, and pulls no more', async () => {
    let release = (): void => undefined
    const { options, events } = recorded([1, 2, 3], {
      commit: (output) =>
        new Promise((resolve) => {
          release = () => {
            events.push(`commit ${output}`)
            resolve()
          }
          events.push('commit begun')
        }),
    })
    const loop = startLoop(options)
    while (!events.includes('commit begun')) await new Promise(setImmediate)
    const stopped = loop.stop()
    release()
    await stopped
    expect(events).toEqual(['step 1', 'commit begun', 'commit out 1'])
  })

  test('stop wakes a pull that waits', async () => {
    const { options, events } = recorded([], { pull: untilAborted })
    await startLoop(options).stop()
    expect(events).toEqual([])
  })

  test('the signal stops it, also one that was aborted before the start', async () => {
    const abort = new AbortController()
    const running = startLoop(recorded([], { pull: untilAborted, signal: abort.signal }).options)
    abort.abort()
    await running.done
    const { options, events } = recorded([1], { signal: abort.signal })
    await startLoop(options).done
    expect(events).toEqual([])
  })

  test('a retriable commit is tried again with the same output, and its step is not', async () => {
    let failures = 2
    const { options, events, metrics } = recorded([1])
    const commit = options.commit
    await startLoop({ ...options, commit: (output) => (failures-- > 0 ? Promise.reject(outage()) : commit(output)) }).done
    expect(events).toEqual(['step 1', 'commit out 1'])
    expect(await metrics.exposition()).toContain('riskledger_loop_retries_total{loop="test",part="commit",code="ledger-unavailable"} 2')
  })

  test('a commit that fails while the loop is being stopped is tried again: a drain survives a short outage', async () => {
    let failures = 2
    const { options, events } = recorded([1, 2])
    const commit = options.commit
    const loop = startLoop({
      ...options,
      commit: (output) => {
        void loop.stop()
        return failures-- > 0 ? Promise.reject(outage()) : commit(output)
      },
    })
    await loop.done
    expect(events).toEqual(['step 1', 'commit out 1'])
  })

  test('a retriable pull is tried again', async () => {
    let failures = 1
    const { options, events } = recorded([1])
    const pull = options.pull
    await startLoop({ ...options, pull: (...asked) => (failures-- > 0 ? Promise.reject(outage()) : pull(...asked)) }).done
    expect(events).toEqual(['step 1', 'commit out 1'])
  })

  test.each(['pull', 'commit'] as const)('tells since when a %s is tried again, and no more once it succeeds', async (part) => {
    const told: unknown[] = []
    const clock = { ms: 100 }
    let failures = 2
    const base = recorded([1, 2]).options
    const fails = (): boolean => {
      told.push(loop.retrying)
      clock.ms += 10
      return failures-- > 0
    }
    const options: LoopOptions<number, string> = {
      ...base,
      nowMs: () => clock.ms,
      pull: (...asked) => (part === 'pull' && fails() ? Promise.reject(outage()) : base.pull(...asked)),
      commit: (output) => (part === 'commit' && fails() ? Promise.reject(outage()) : base.commit(output)),
    }
    const loop = startLoop({ ...options, pull: (...asked) => Promise.resolve().then(() => options.pull(...asked)) })
    await loop.done
    // A commit has asked when it began; of this pull it is known only when it failed.
    const since = { part, sinceMs: part === 'commit' ? 100 : 110, reason: 'the ledger does not answer' }
    expect(told.slice(0, 4)).toEqual([null, since, since, null])
    expect(loop.retrying).toBeNull()
  })

  test('a pull that fails counts from when it last asked, and one that asks again has been answered', async () => {
    const told: unknown[] = []
    const clock = { ms: 0 }
    const reason = 'the ledger does not answer'
    /** Waits for input between the times given, each of which it asks at, and fails 30 s after the last. */
    const failsAfter = (asksAtMs: readonly number[], onAsk: () => void): Promise<never> => {
      for (const atMs of asksAtMs) {
        clock.ms = atMs
        onAsk()
        told.push(loop.retrying)
      }
      clock.ms += 30_000
      return Promise.reject(outage())
    }
    const pulls = [[0, 100_000], [131_000], [170_000, 200_000]]
    const { options } = recorded([], {
      retry: { ...retry, maxAttempts: 3 },
      nowMs: () => clock.ms,
      pull: async (_, onAsk) => {
        await Promise.resolve()
        const asksAtMs = pulls.shift()
        if (asksAtMs !== undefined) return failsAfter(asksAtMs, onAsk)
        told.push(loop.retrying)
        return undefined
      },
    })
    const loop = startLoop(options)
    await loop.done
    const first = { part: 'pull', sinceMs: 100_000, reason }
    expect(told).toEqual([null, null, first, first, null, { part: 'pull', sinceMs: 200_000, reason }])
    expect(loop.retrying).toBeNull()
  })

  test('a pull that was answered counts from when it is seen to fail, and what failed before is over', async () => {
    const told: unknown[] = []
    const clock = { ms: 0 }
    const failuresAtMs = [10, 20, 5_000, 6_000]
    const { options } = recorded([], {
      retry: { ...retry, maxAttempts: 3 },
      nowMs: () => clock.ms,
      pull: async (_signal, _onAsk, onAnswer) => {
        await Promise.resolve()
        told.push(loop.retrying?.sinceMs)
        if (failuresAtMs.length === 2) onAnswer()
        told.push(loop.retrying?.sinceMs)
        if (failuresAtMs.length === 0) return undefined
        clock.ms = failuresAtMs.shift()!
        throw outage()
      },
    })
    const loop = startLoop(options)
    await loop.done
    expect(told).toEqual([undefined, undefined, 10, 10, 10, undefined, 5_000, 5_000, 5_000, 5_000])
  })

  test('past its tries the loop ends with limit-reached and the last error as cause', async () => {
    let calls = 0
    const { options } = recorded([1], {
      commit: () => {
        calls++
        return Promise.reject(outage())
      },
    })
    await expect(startLoop(options).done).rejects.toMatchObject({
      code: 'limit-reached',
      message: 'test: commit failed 3 times in a row, last with: the ledger does not answer',
      cause: { code: 'ledger-unavailable' },
    })
    expect(calls).toBe(3)
  })

  test('an error that is not retriable ends the loop at once', async () => {
    const fenced = new RiskError('fenced', 'a newer tenure holds the partition', { retriable: false })
    const { options, events } = recorded([1, 2], { commit: () => Promise.reject(fenced) })
    await expect(startLoop(options).done).rejects.toBe(fenced)
    expect(events).toEqual(['step 1'])
  })

  test('an error of the step ends the loop, even a retriable one: state may have changed', async () => {
    const { options, events } = recorded([1], {
      step: () => {
        throw outage()
      },
    })
    await expect(startLoop(options).done).rejects.toMatchObject({ code: 'ledger-unavailable' })
    expect(events).toEqual([])
  })

  test('a pull that fails while it is being stopped is no failure', async () => {
    const { options } = recorded([], { pull: (signal) => untilAborted(signal).then(() => Promise.reject(outage())) })
    await startLoop(options).stop()
  })

  test('after a batch that is not prefetched behind, the next pull comes after the commit', async () => {
    const events: string[] = []
    const base = recorded([1, 2, 3], { prefetch: (batch) => batch === 2 })
    const loop = startLoop({
      ...base.options,
      pull: pullsNoted(base.options, events),
      commit: async (output) => {
        while (output === 'out 2' && !events.includes('pull 3')) await new Promise(setImmediate)
        await new Promise(setImmediate)
        events.push(`commit ${output}`)
      },
    })
    await loop.done
    expect(events).toEqual(['pull 1', 'commit out 1', 'pull 2', 'pull 3', 'commit out 2', 'commit out 3', 'pull undefined'])
  })

  test('after such a commit it waits before the next pull, unless it is being stopped', async () => {
    const waits: number[] = []
    const { options, events } = recorded([1, 2, 3, 4], { prefetch: (batch) => batch === 2, gatherMs: 7 })
    const loop = startLoop({
      ...options,
      timers: {
        sleep: (delayMs, signal) => {
          waits.push(delayMs)
          if (waits.length < 2) return Promise.resolve()
          void loop.stop()
          return Promise.reject(signal!.reason as Error)
        },
        nextTurn: () => Promise.resolve(),
      },
    })
    await loop.done
    expect(waits).toEqual([7, 7])
    expect(events.at(-1)).toBe('commit out 3')
  })

  test('with prefetch the next pull runs during the commit, and is dropped by a stop', async () => {
    const events: string[] = []
    const base = recorded([1, 2, 3], { prefetch: () => true })
    const loop = startLoop({
      ...base.options,
      pull: pullsNoted(base.options, events),
      commit: async (output) => {
        while (events.length < 2) await new Promise(setImmediate)
        events.push(`commit ${output}`)
        void loop.stop()
      },
    })
    await loop.done
    expect(events).toEqual(['pull 1', 'pull 2', 'commit out 1'])
    expect(base.events).toEqual(['step 1'])
  })
})
