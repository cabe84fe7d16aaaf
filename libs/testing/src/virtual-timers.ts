import type { Caller, PendingCalls } from './pending-calls'

/** Time that only the driver of a simulation moves. Epoch milliseconds. */
export interface VirtualClock {
  nowMs: number
}

/** Timers of one process in virtual time: a sleep ends once the driver has moved the clock past its due time and says so. */
export function virtualTimers(
  caller: Caller,
  calls: PendingCalls,
  clock: VirtualClock,
): { sleep(delayMs: number, signal?: AbortSignal): Promise<void>; nextTurn(): Promise<void> } {
  const act = (): void => undefined
  return {
    sleep: (delayMs, signal) => {
      const request = { caller, kind: 'sleep' as const, text: `sleep ${delayMs} ms`, act, dueMs: clock.nowMs + delayMs }
      return calls.askUntil<void>(request, signal, (call) =>
        call.refuse(Object.assign(new Error('the sleep was aborted'), { name: 'AbortError' })),
      )
    },
    nextTurn: () => calls.ask({ caller, kind: 'turn', text: 'next turn', act }),
  }
}
