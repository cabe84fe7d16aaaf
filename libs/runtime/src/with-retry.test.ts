import { RiskError } from '@riskledger/contracts'
import { withRetry } from './with-retry'

const down = new RiskError('ledger-unavailable', 'nobody answers', { retriable: true })

function failing(times: number, error: Error = down): () => Promise<string> {
  let left = times
  return () => (left-- > 0 ? Promise.reject(error) : Promise.resolve('done'))
}

test('tries again until it succeeds, with pauses that double up to a cap', async () => {
  const slept: number[] = []
  const told: number[] = []
  const result = await withRetry(failing(5), {
    name: 'it',
    retry: { initialMs: 10, capMs: 50 },
    sleep: (delayMs) => {
      slept.push(delayMs)
      return Promise.resolve()
    },
    onRetry: ({ attempt }) => told.push(attempt),
  })
  expect(result).toBe('done')
  expect(slept).toEqual([10, 20, 40, 50, 50])
  expect(told).toEqual([1, 2, 3, 4, 5])
})

test('past its tries it says what failed, how often, and with what', async () => {
  const sleep = (): Promise<void> => Promise.resolve()
  await expect(withRetry(failing(3), { name: 'reading', retry: { maxAttempts: 3 }, sleep })).rejects.toMatchObject({
    code: 'limit-reached',
    retriable: false,
    message: 'reading failed 3 times in a row, last with: nobody answers',
  })
})

test('a call that got somewhere begins a new row of failures', async () => {
  const slept: number[] = []
  let calls = 0
  const follow = (onProgress: () => void): Promise<string> => {
    calls++
    if (calls === 3) onProgress()
    return calls < 6 ? Promise.reject(down) : Promise.resolve('done')
  }
  const sleep = (delayMs: number): Promise<void> => {
    slept.push(delayMs)
    return Promise.resolve()
  }
  expect(await withRetry(follow, { name: 'it', retry: { initialMs: 10, maxAttempts: 4 }, sleep })).toBe('done')
  expect(slept).toEqual([10, 20, 10, 20, 40])
})

test('what is not retriable is thrown at once', async () => {
  const fenced = new RiskError('fenced', 'another', { retriable: false })
  await expect(withRetry(failing(1, fenced), { name: 'it' })).rejects.toBe(fenced)
  const broken = new Error('a bug')
  await expect(withRetry(failing(1, broken), { name: 'it' })).rejects.toBe(broken)
})

test('after an abort the last failure is thrown, also out of a pause', async () => {
  const stopping = new AbortController()
  const waiting = withRetry(failing(1), {
    name: 'it',
    retry: { initialMs: 60_000, capMs: 60_000 },
    signal: stopping.signal,
    onRetry: () => stopping.abort(),
  })
  await expect(waiting).rejects.toBe(down)
})
