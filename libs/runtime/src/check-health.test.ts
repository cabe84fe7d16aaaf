import { checkHealth } from './check-health'

describe('checkHealth', () => {
  test('passes when every check passes, with the facts that they tell', async () => {
    const report = await checkHealth({ ledger: () => Promise.resolve('reachable'), log: () => Promise.resolve('lag 12 messages') })
    expect(report).toEqual({
      status: 'passing',
      checks: { ledger: { status: 'passing', detail: 'reachable' }, log: { status: 'passing', detail: 'lag 12 messages' } },
    })
  })

  test('one failing check fails the whole and hides no other', async () => {
    const report = await checkHealth({
      ledger: () => Promise.reject(new Error('connection refused')),
      log: () => Promise.resolve('lag 0 messages'),
      clock: () => {
        throw new Error('thrown at once')
      },
    })
    expect(report.status).toBe('failing')
    expect(report.checks['ledger']).toEqual({ status: 'failing', detail: 'connection refused' })
    expect(report.checks['clock']).toEqual({ status: 'failing', detail: 'thrown at once' })
    expect(report.checks['log']?.status).toBe('passing')
  })

  test('a check that hangs fails after its time and is aborted', async () => {
    let aborted = false
    const hangs = (signal: AbortSignal): Promise<string> =>
      new Promise(() => {
        signal.addEventListener('abort', () => (aborted = true))
      })
    const report = await checkHealth({ ledger: hangs }, { timeoutMs: 5 })
    expect(report.checks['ledger']).toEqual({ status: 'failing', detail: 'no answer within 5 ms' })
    expect(aborted).toBe(true)
  })

  test('no checks is passing', async () => {
    expect(await checkHealth({})).toEqual({ status: 'passing', checks: {} })
  })
})
