import { memorySequences, SourceSequence, type SequenceStore } from './source-sequence'

/** A store that keeps what it is told, and can be held. */
function keptStore(last: number | null = null): SequenceStore & { readonly saved: number[]; held: Promise<void> } {
  const store = {
    saved: [] as number[],
    held: Promise.resolve(),
    load: () => Promise.resolve(last),
    save: async (_source: string, sequence: number) => {
      store.saved.push(sequence)
      await store.held
    },
  }
  return store
}

test('numbers from 1, or after the last that the store knows', async () => {
  expect((await SourceSequence.open('checkout', keptStore())).next()).toBe(1)
  expect((await SourceSequence.open('checkout', keptStore(41))).next()).toBe(42)
  expect((await SourceSequence.open('checkout', memorySequences(100))).next()).toBe(100)
})

test('keeps only numbers before which all are settled', async () => {
  const store = keptStore()
  const sequence = await SourceSequence.open('checkout', store)
  const [one, two, three] = [sequence.next(), sequence.next(), sequence.next()]
  await sequence.settled(two)
  expect(store.saved).toEqual([])
  await sequence.settled(one)
  expect(store.saved).toEqual([2])
  await sequence.settled(three)
  expect(store.saved).toEqual([2, 3])
})

test('a slow store is called once for what settles meanwhile', async () => {
  const store = keptStore()
  let release: () => void = () => undefined
  store.held = new Promise((resolve) => (release = resolve))
  const sequence = await SourceSequence.open('checkout', store)
  const settled = Array.from({ length: 10 }, () => sequence.settled(sequence.next()))
  release()
  await Promise.all(settled)
  expect(store.saved.at(-1)).toBe(10)
  expect(store.saved.length).toBeLessThanOrEqual(2)
})

test('a store that fails is heard, and tried again with the next', async () => {
  const store = keptStore()
  const failing = Promise.reject(new Error('disk full'))
  failing.catch(() => undefined)
  store.held = failing
  const sequence = await SourceSequence.open('checkout', store)
  await expect(sequence.settled(sequence.next())).rejects.toThrow('disk full')
  store.held = Promise.resolve()
  await sequence.settled(sequence.next())
  expect(store.saved).toEqual([1, 2])
})

test('a store that fails is not asked, nor warned of, once for every event that settled meanwhile', async () => {
  const warnings: unknown[] = []
  const store = keptStore()
  store.held = Promise.reject(new Error('disk full'))
  const sequence = await SourceSequence.open('checkout', store, { logger: { warn: (_message, fields) => warnings.push(fields) } })
  const settled = await Promise.allSettled(Array.from({ length: 10 }, () => sequence.settled(sequence.next())))
  expect(settled.every(({ status }) => status === 'rejected')).toBe(true)
  expect(store.saved.length).toBeLessThanOrEqual(2)
  expect(warnings.at(-1)).toEqual({ source: 'checkout', sequence: 10, saved: 0, reason: 'disk full' })
  expect(warnings).toHaveLength(store.saved.length)
  await expect(sequence.flush()).rejects.toMatchObject({ code: 'ledger-unavailable', context: { sequence: 10, saved: 0 } })
  store.held = Promise.resolve()
  await sequence.flush()
  expect(store.saved.at(-1)).toBe(10)
})

test.each([-1, 1.5, Number.NaN])('a stored number of %d is refused', async (last) => {
  await expect(SourceSequence.open('checkout', keptStore(last))).rejects.toMatchObject({ code: 'configuration-invalid' })
})
