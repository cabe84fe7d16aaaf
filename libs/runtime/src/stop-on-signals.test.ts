import { stopOnSignals } from './stop-on-signals'

describe('stopOnSignals', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('%s aborts once, and leaves the next one to the system', (name) => {
    const before = process.listenerCount(name)
    const { signal } = stopOnSignals()
    expect(signal.aborted).toBe(false)
    process.emit(name)
    expect(signal.aborted).toBe(true)
    expect(process.listenerCount('SIGINT')).toBe(before)
    expect(process.listenerCount('SIGTERM')).toBe(before)
  })

  test('dispose takes the handlers away', () => {
    const before = process.listenerCount('SIGINT')
    const { dispose, signal } = stopOnSignals()
    dispose()
    expect(process.listenerCount('SIGINT')).toBe(before)
    expect(signal.aborted).toBe(false)
  })
})
