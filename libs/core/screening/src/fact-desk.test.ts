import { encodeDeviceFact } from '@riskledger/relations'
import { ByteReader, ByteWriter } from '@riskledger/windows'
import { FactDesk } from './fact-desk'
import type { KnownFact } from './fact-shelf'

const NOON_MS = Date.UTC(2026, 0, 1, 12)

function known(distinctAccounts: number, sourceRevision: number): KnownFact {
  const value = encodeDeviceFact({ asOfMs: NOON_MS, firstSeenMs: NOON_MS, distinctAccounts, lastKnownFraudMs: -1 })
  return { value, sourceStream: 'relations-000', sourceRevision }
}

const TOKEN = Buffer.from('..d')
const SPAN = (2 << 8) | 1

/** A desk, and what looking at the device `d` lists. */
function newDesk(): {
  readonly desk: FactDesk
  readonly look: (sequence: number) => number[]
  readonly accounts: () => number | undefined
} {
  const desk = new FactDesk()
  const look = (sequence: number): number[] => {
    desk.beginInput(sequence)
    desk.device(TOKEN, SPAN)
    return desk.listed.map(({ sourceRevision }) => sourceRevision)
  }
  return { desk, look, accounts: () => desk.device(TOKEN, SPAN)?.distinctAccounts }
}

test('a fact is listed on first use and again when it changed, and nothing older comes back', () => {
  const { desk, look, accounts } = newDesk()
  expect(look(1)).toEqual([])
  expect(accounts()).toBeUndefined()
  desk.offer('device', 'd', known(1, 5))
  expect([look(2), look(3)]).toEqual([[5], []])
  desk.offer('device', 'd', known(1, 6))
  expect(look(4)).toEqual([])
  desk.offer('device', 'd', known(2, 7))
  expect(look(5)).toEqual([7])
  expect(desk.used()).toEqual([{ kind: 'device', keyToken: 'd', sourceStream: 'relations-000', sourceRevision: 7 }])
  desk.offer('device', 'd', known(1, 5))
  expect(look(6)).toEqual([])
  expect(accounts()).toBe(2)
})

test('of what was offered and not looked at yet, the newest counts, whatever was offered last', () => {
  const { desk, look, accounts } = newDesk()
  desk.offer('device', 'd', known(4, 8))
  desk.offer('device', 'd', known(1, 6))
  expect(look(1)).toEqual([8])
  expect(accounts()).toBe(4)
})

test('what was listed survives a snapshot and is not listed again', () => {
  const { desk, look } = newDesk()
  desk.offer('device', 'd', known(3, 9))
  look(1)
  const writer = new ByteWriter()
  desk.write(writer)
  const copy = newDesk()
  copy.desk.offer('device', 'd', known(3, 9))
  copy.desk.read(new ByteReader(writer.finish()))
  expect(copy.desk.canonicalHash()).toEqual(desk.canonicalHash())
  expect(copy.look(2)).toEqual([])
  expect(copy.accounts()).toBe(3)
})

/** A desk that goes on from a snapshot of another. */
function resumed(desk: FactDesk): ReturnType<typeof newDesk> {
  const writer = new ByteWriter()
  desk.write(writer)
  const copy = newDesk()
  copy.desk.read(new ByteReader(writer.finish()))
  return copy
}

describe('what was offered and not looked at before a snapshot', () => {
  test('is seen by nobody while the journal is folded, and then by the first who looks', () => {
    const { desk } = newDesk()
    desk.offer('device', 'd', known(3, 9))
    desk.offeredThrough = { shownEpoch: 4, read: [{ head: { stream: 'relations-000', revision: 9, entryHash: 'aa' }, throughEpoch: 5 }] }
    const copy = resumed(desk)
    expect(copy.look(1)).toEqual([])
    expect(copy.accounts()).toBeUndefined()
    copy.desk.showOffered()
    expect(copy.look(2)).toEqual([9])
    expect(copy.accounts()).toBe(3)
    expect(copy.desk.offeredThrough).toEqual(desk.offeredThrough)
  })

  test('gives way to what the journal lists later', () => {
    const { desk, look } = newDesk()
    desk.offer('device', 'd', known(1, 2))
    look(1)
    desk.offer('device', 'd', known(3, 9))
    const copy = resumed(desk)
    expect(copy.accounts()).toBe(1)
    copy.desk.apply({ kind: 'device', keyToken: 'd', sequence: 2, ...known(5, 11) })
    expect(copy.accounts()).toBe(5)
    copy.desk.showOffered()
    expect(copy.look(3)).toEqual([])
    expect(copy.accounts()).toBe(5)
  })

  test('survives a second snapshot that is taken before it may be looked at', () => {
    const { desk } = newDesk()
    desk.offer('device', 'd', known(3, 9))
    const copy = resumed(resumed(desk).desk)
    copy.desk.showOffered()
    expect(copy.look(1)).toEqual([9])
  })

  test('is as if never offered once it is forgotten; what was taken over stays', () => {
    const { desk, look } = newDesk()
    desk.offer('device', 'd', known(1, 2))
    look(1)
    desk.offer('device', 'd', known(3, 9))
    desk.forgetOffered()
    desk.showOffered()
    expect(look(2)).toEqual([])
    expect(desk.offeredThrough).toEqual({ shownEpoch: -1, read: [] })
    desk.offer('device', 'd', known(3, 9))
    expect(look(3)).toEqual([9])
  })
})

test('a key too long to pack, or beyond ASCII, is found by its text', () => {
  for (const key of ['a-device-with-a-long-name', 'gerät']) {
    const { desk } = newDesk()
    const bytes = Buffer.from(key)
    const look = () => desk.device(Buffer.concat([Buffer.from('.'), bytes]), (1 << 8) | bytes.length)
    expect(look()).toBeUndefined()
    desk.offer('device', key, known(4, 1))
    expect(look()?.distinctAccounts).toBe(4)
  }
})
