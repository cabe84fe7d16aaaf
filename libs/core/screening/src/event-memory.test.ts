import { ByteReader, ByteWriter } from '@riskledger/windows'
import fc from 'fast-check'
import { EventMemory, type EventMemoryLimits, type Seen } from './event-memory'

const KEY = Uint8Array.from({ length: 16 }, (_, i) => 200 - i)
const HORIZON_MS = 1_000
const LIMITS: EventMemoryLimits = { horizonMs: HORIZON_MS, maxIdsPerAccount: 1_000_000, maxIds: 1_000_000 }

interface Event {
  readonly id: number
  readonly account: number
  readonly topic: number
  readonly content: number
}

/** A record as the memory looks at it: ten bytes of frame, sixteen of id, the account with its length, something else. */
function recordOf({ id, account, content }: Event): Uint8Array {
  const value = new Uint8Array(40)
  new DataView(value.buffer).setUint32(10, id)
  value[26] = 8
  new DataView(value.buffer).setUint32(27, account)
  value[35] = content
  return value
}

function look(
  memory: EventMemory,
  event: Event,
  at: { readonly sequence: number; readonly timeMs: number; readonly limits?: EventMemoryLimits },
): Seen {
  const place = { topic: event.topic, accountStart: 27, accountEnd: 31, sequence: at.sequence, streamTimeMs: at.timeMs }
  // Every other one with its id hashed ahead, and what it will need read ahead: both ways see the same.
  const ahead = at.sequence % 2 === 0 ? at.sequence % 32 : -1
  if (ahead >= 0) {
    memory.hashAhead(ahead, recordOf(event), 27, 31)
    memory.touch(32)
  }
  return memory.look(recordOf(event), { ...place, ahead }, at.limits ?? LIMITS)
}

/** What the memory promises, written plainly. */
class NaiveMemory {
  private readonly entries: { id: number; text: string; sequence: number; timeMs: number; account: number }[] = []
  firstSequence = 0

  expire(nowMs: number): void {
    while (this.entries.length > 0 && this.entries[0].timeMs < nowMs - HORIZON_MS) this.entries.shift()
  }

  look(event: Event, at: { readonly sequence: number; readonly timeMs: number; readonly limits: EventMemoryLimits }): Seen {
    const text = `${event.topic}|${event.account}|${event.content}`
    const known = this.entries.find(({ id }) => id === event.id)
    if (known !== undefined) {
      this.firstSequence = known.sequence
      return known.text === text ? 'duplicate' : 'conflicting'
    }
    const ofAccount = this.entries.filter(({ account }) => account === event.account).length
    if (ofAccount >= at.limits.maxIdsPerAccount || this.entries.length >= at.limits.maxIds) return 'unchecked'
    this.entries.push({ id: event.id, text, sequence: at.sequence, timeMs: at.timeMs, account: event.account })
    return 'new'
  }
}

const event = fc.record({ id: fc.nat({ max: 40 }), account: fc.nat({ max: 3 }), topic: fc.nat({ max: 1 }), content: fc.nat({ max: 1 }) })
const steps = fc.array(fc.record({ event, laterByMs: fc.constantFrom(0, 0, 10, 200, 1_500) }), { minLength: 1, maxLength: 200 })

test('equals a plain memory: duplicates, conflicts, expiry, bounds by account and in all', () => {
  fc.assert(
    fc.property(steps, fc.constantFrom(2, 5, 1_000), fc.constantFrom(4, 10, 1_000), (events, maxIdsPerAccount, maxIds) => {
      const limits = { horizonMs: HORIZON_MS, maxIdsPerAccount, maxIds }
      const memory = new EventMemory(KEY)
      const naive = new NaiveMemory()
      let timeMs = 5_000
      events.forEach(({ event: one, laterByMs }, index) => {
        timeMs += laterByMs
        memory.expire(timeMs, HORIZON_MS)
        naive.expire(timeMs)
        const at = { sequence: index + 1, timeMs, limits }
        const seen = look(memory, one, at)
        expect(seen).toBe(naive.look(one, at))
        if (seen === 'duplicate' || seen === 'conflicting') expect(memory.firstSequence).toBe(naive.firstSequence)
      })
    }),
    { numRuns: 300 },
  )
})

test('grows and shrinks by thousands without losing or inventing an id, also where it goes on as its copy', () => {
  let memory = new EventMemory(KEY)
  for (let round = 0; round < 4; round++) {
    const timeMs = 10_000 + round * 600
    memory.expire(timeMs, HORIZON_MS)
    for (let i = 0; i < 5_000; i++) {
      const id = round * 5_000 + i
      expect(look(memory, { id, account: id, topic: 0, content: 0 }, { sequence: id + 1, timeMs })).toBe('new')
    }
    const writer = new ByteWriter(64)
    memory.write(writer)
    memory = new EventMemory(KEY)
    memory.read(new ByteReader(writer.finish()))
    // What two rounds ago left is past the horizon.
    expect(memory.size).toBe(round === 0 ? 5_000 : 10_000)
    for (let id = Math.max(0, (round - 1) * 5_000); id < (round + 1) * 5_000; id += 97) {
      expect(look(memory, { id, account: id, topic: 0, content: 0 }, { sequence: 0, timeMs })).toBe('duplicate')
      expect(memory.firstSequence).toBe(id + 1)
    }
  }
})

test('a snapshot holds the same, has the same hash, and goes on the same', () => {
  fc.assert(
    fc.property(steps, steps, (before, after) => {
      const memory = new EventMemory(KEY)
      let timeMs = 5_000
      let sequence = 0
      for (const { event: one, laterByMs } of before) {
        timeMs += laterByMs
        memory.expire(timeMs, HORIZON_MS)
        look(memory, one, { sequence: ++sequence, timeMs })
      }
      const writer = new ByteWriter(64)
      memory.write(writer)
      const copy = new EventMemory(KEY)
      copy.read(new ByteReader(writer.finish()))
      expect(copy.size).toBe(memory.size)
      const hashOf = (one: EventMemory): string => Buffer.from(one.canonicalHash(timeMs, HORIZON_MS)).toString('hex')
      expect(hashOf(copy)).toBe(hashOf(memory))
      for (const { event: one, laterByMs } of after) {
        timeMs += laterByMs
        memory.expire(timeMs, HORIZON_MS)
        copy.expire(timeMs, HORIZON_MS)
        const at = { sequence: ++sequence, timeMs, limits: { ...LIMITS, maxIdsPerAccount: 6 } }
        expect(look(copy, one, at)).toBe(look(memory, one, at))
      }
      expect(hashOf(copy)).toBe(hashOf(memory))
    }),
    { numRuns: 100 },
  )
})

test('its hash leaves out what is past the horizon, whether it was forgotten already or not, and forgets nothing', () => {
  const [kept, swept] = [new EventMemory(KEY), new EventMemory(KEY)]
  for (const memory of [kept, swept]) {
    for (let id = 0; id < 10; id++) look(memory, { id, account: 1, topic: 0, content: 0 }, { sequence: id + 1, timeMs: 1_000 + id * 200 })
  }
  swept.expire(2_900, HORIZON_MS)
  expect(swept.size).toBeLessThan(kept.size)
  expect(kept.canonicalHash(2_900, HORIZON_MS)).toEqual(swept.canonicalHash(2_900, HORIZON_MS))
  expect(kept.size).toBe(10)
  expect(kept.canonicalHash(2_900, 5_000)).not.toEqual(swept.canonicalHash(2_900, 5_000))
})

test('another key is another table, the same answers', () => {
  const memory = new EventMemory(Uint8Array.from({ length: 16 }, () => 9))
  const one = { id: 1, account: 1, topic: 0, content: 0 }
  expect(look(memory, one, { sequence: 1, timeMs: 1 })).toBe('new')
  expect(look(memory, one, { sequence: 2, timeMs: 1 })).toBe('duplicate')
  expect(look(memory, { ...one, topic: 1 }, { sequence: 3, timeMs: 1 })).toBe('conflicting')
})

test.each([
  [[5, 4_096, 0], [], '0 ids where -5 lie'],
  [[0, 1, 1], [524_288], 'pages 524288'],
  [[0, 1, 4_097], [0, 0], 'pages 0, 0'],
  [[0, 4_097, 4_097], [0], '4097 ids where 4097 lie'],
])('what is no memory of ids is refused: %p of pages %p', (numbers, order, message) => {
  const writer = new ByteWriter()
  for (const number of numbers) writer.varint(number)
  writer.words(Uint32Array.from(order))
  expect(() => new EventMemory(KEY).read(new ByteReader(writer.finish()))).toThrow(message)
})
