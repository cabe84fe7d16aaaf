import { RAW_TOPICS, type LogRecord } from '@riskledger/contracts'
import { encodeRaw } from '@riskledger/events'
import { MINIMAL_EVENTS } from '@riskledger/events/src/testing/sample-events'
import fc from 'fast-check'
import { mergeItem, TopicMerge, type MergeItem } from './topic-merge'

function record(topic: number, offset: number, orderTimeMs: number, eventTimeMs = orderTimeMs): LogRecord {
  return { topic: RAW_TOPICS[topic], partition: 0, offset, brokerTimeMs: eventTimeMs, orderTimeMs, key: null, value: new Uint8Array(0) }
}

function newMerge(topics = 3): TopicMerge {
  return new TopicMerge(topics)
}

function drain(merge: TopicMerge, boundMs = Infinity): MergeItem[] {
  const items: MergeItem[] = []
  for (let topic = merge.first(boundMs); topic >= 0; topic = merge.first(boundMs)) items.push(merge.take(topic))
  return items
}

const names = (items: readonly MergeItem[]): string[] =>
  items.map((item) => `${RAW_TOPICS.indexOf(item.record.topic)}@${item.record.offset}`)

test('the earliest head goes first; ties go by event time, then by the fixed order of topics', () => {
  const merge = newMerge()
  merge.offer(0, [record(0, 0, 1), record(0, 1, 4), record(0, 2, 6)])
  merge.offer(1, [record(1, 0, 2), record(1, 1, 3), record(1, 2, 6)])
  merge.offer(2, [record(2, 0, 6, 5)])
  expect(names(drain(merge))).toEqual(['0@0', '1@0', '1@1', '0@1', '2@0', '0@2', '1@2'])
})

test('nothing at or past the bound is given out, and it comes once the bound moves', () => {
  const merge = newMerge()
  merge.offer(0, [record(0, 0, 10), record(0, 1, 20)])
  merge.offer(1, [record(1, 0, 15)])
  expect(names(drain(merge, 15))).toEqual(['0@0'])
  expect(merge.first(15)).toBe(-1)
  expect(names(drain(merge, 20))).toEqual(['1@0'])
  expect(names(drain(merge))).toEqual(['0@1'])
})

test('within a topic the order of offsets holds, whatever their times', () => {
  const merge = newMerge()
  merge.offer(0, [record(0, 0, 9), record(0, 1, 1)])
  merge.offer(1, [record(1, 0, 5)])
  expect(names(drain(merge))).toEqual(['1@0', '0@0', '0@1'])
})

test('is a merge: every record once, in order of offset by topic, and of order time in all where each topic is in order', () => {
  const topics = fc.array(fc.array(fc.nat({ max: 30 }), { maxLength: 30 }), { minLength: 3, maxLength: 3 })
  fc.assert(
    fc.property(topics, fc.array(fc.nat({ max: 30 })), (times, bounds) => {
      const merge = newMerge()
      times.forEach((ofTopic, topic) => {
        const sorted = [...ofTopic].sort((a, b) => a - b).map((time, offset) => record(topic, offset, time))
        merge.offer(topic, sorted)
        expect(merge.waiting(topic)).toBe(sorted.length)
      })
      const items = [...bounds.sort((a, b) => a - b), Infinity].flatMap((bound) => drain(merge, bound))
      expect(items).toHaveLength(times.flat().length)
      items.forEach((item, index) => {
        if (index > 0) expect(item.orderTimeMs).toBeGreaterThanOrEqual(items[index - 1].orderTimeMs)
      })
      for (let topic = 0; topic < 3; topic++) {
        const offsets = items.filter((item) => item.record.topic === RAW_TOPICS[topic]).map((item) => item.record.offset)
        expect(offsets).toEqual(times[topic].map((_, offset) => offset))
      }
    }),
  )
})

test('records may come in parts', () => {
  const merge = newMerge(1)
  merge.offer(0, [record(0, 0, 0), record(0, 1, 0)])
  merge.take(0)
  merge.offer(0, [record(0, 2, 0)])
  expect(names(drain(merge))).toEqual(['0@1', '0@2'])
  merge.offer(0, [record(0, 3, 0)])
  expect(merge.peek(0).record.offset).toBe(3)
})

test('a live record stands at its event time, or where it dates itself past its broker time or cannot be read, at that', () => {
  const value = encodeRaw('payments', MINIMAL_EVENTS.payments)
  const { eventTimeMs } = MINIMAL_EVENTS.payments
  const times = (part: Partial<LogRecord>): number[] => {
    const item = mergeItem({ ...record(0, 0, 0), orderTimeMs: undefined, value, brokerTimeMs: eventTimeMs + 5, ...part })
    return [item.eventTimeMs, item.orderTimeMs]
  }
  expect(times({})).toEqual([eventTimeMs, eventTimeMs])
  expect(times({ orderTimeMs: 7 })).toEqual([eventTimeMs, 7])
  expect(times({ brokerTimeMs: eventTimeMs - 1 })).toEqual([eventTimeMs - 1, eventTimeMs - 1])
  expect(times({ value: value.subarray(0, 30), brokerTimeMs: 9 })).toEqual([9, 9])
  expect(times({ topic: 'unparsable', brokerTimeMs: 9 })).toEqual([9, 9])
})
