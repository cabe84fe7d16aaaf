import fc from 'fast-check'
import { EpochQueue } from './epoch-queue'
import { emptyQueuedInput, type QueuedInput } from './input-columns'

/** An input whose bytes are its name; nothing else of it matters here. */
function input(name: string): QueuedInput {
  const data = new TextEncoder().encode(`..${name}..`)
  return { ...emptyQueuedInput(), source: { stream: 's', revision: 0, data }, from: 2, length: data.length - 4 }
}

function nameOf({ source, from, length }: QueuedInput): string {
  return Buffer.from(source.data.subarray(from, from + length)).toString()
}

function drained(queue: EpochQueue): string[] {
  const told: string[] = []
  queue.drain(
    (one) => told.push(nameOf(one)),
    (epoch) => told.push(`end ${epoch}`),
  )
  return told
}

test('an epoch is folded once every partition has passed it: partitions in turn, each in its own order', () => {
  const queue = new EpochQueue(2)
  queue.add(1, input('b1'), 3)
  queue.add(1, input('b2'), 4)
  queue.finish(1, 4)
  expect(queue.completeEpoch).toBe(-1)
  expect(drained(queue)).toEqual([])
  queue.add(0, input('a1'), 3)
  queue.finish(0, 3)
  expect(drained(queue)).toEqual(['a1', 'b1', 'end 3'])
  queue.finish(0, 9)
  expect(queue.completeEpoch).toBe(4)
  expect(drained(queue)).toEqual(['b2', 'end 4'])
  expect(drained(queue)).toEqual([])
})

test('what comes of an epoch that its partition has finished is not taken, whatever the others have finished', () => {
  const queue = new EpochQueue(2)
  queue.finish(0, 5)
  expect(queue.add(0, input('a1'), 5)).toBe(false)
  expect(queue.add(0, input('a2'), 6)).toBe(true)
  expect(queue.add(1, input('b1'), 5)).toBe(true)
  queue.finish(0, 9)
  queue.finish(1, 9)
  expect(drained(queue)).toEqual(['b1', 'end 5', 'a2', 'end 6'])
})

test('an epoch without inputs has no end to tell, and passing does not go back', () => {
  const queue = new EpochQueue(1)
  queue.finish(0, 100)
  queue.finish(0, 50)
  expect(queue.completeEpoch).toBe(100)
  expect(drained(queue)).toEqual([])
})

const partitions = fc.array(fc.array(fc.nat({ max: 12 }), { maxLength: 25 }), { minLength: 1, maxLength: 4 })

test('however the partitions interleave, and however often it is drained, the order is the same and nothing is lost', () => {
  fc.assert(
    fc.property(partitions, fc.infiniteStream(fc.nat()), fc.infiniteStream(fc.nat()), (epochs, one, other) => {
      const told = [one, other].map((choices) => {
        const queue = new EpochQueue(epochs.length)
        const sorted = epochs.map((ofPartition) => [...ofPartition].sort((a, b) => a - b))
        const next = sorted.map(() => 0)
        const result: string[] = []
        for (let left = sorted.flat().length; left > 0; left--) {
          const open = next.flatMap((at, partition) => (at < sorted[partition].length ? [partition] : []))
          const partition = open[choices.next().value! % open.length]
          const epoch = sorted[partition][next[partition]]
          queue.add(partition, input(`${partition}.${next[partition]++}`), epoch)
          queue.finish(partition, epoch - 1)
          if (choices.next().value! % 2 === 0) result.push(...drained(queue))
        }
        sorted.forEach((_, partition) => queue.finish(partition, 99))
        return [...result, ...drained(queue)]
      })
      expect(told[0]).toEqual(told[1])
      expect(told[0].filter((name) => !name.startsWith('end'))).toHaveLength(epochs.flat().length)
      const ends = told[0].filter((name) => name.startsWith('end')).map((name) => Number(name.slice(4)))
      expect(ends).toEqual([...new Set(epochs.flat())].sort((a, b) => a - b))
    }),
  )
})
