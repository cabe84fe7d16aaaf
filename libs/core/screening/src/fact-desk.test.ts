import { encodeDeviceFact } from '@riskledger/relations'
import { ByteReader, ByteWriter } from '@riskledger/windows'
import { FactDesk, type KnownFact } from './fact-desk'

const NOON_MS = Date.UTC(2026, 0, 1, 12)

function known(distinctAccounts: number, sourceRevision: number): KnownFact {
  const value = encodeDeviceFact({ asOfMs: NOON_MS, firstSeenMs: NOON_MS, distinctAccounts, lastKnownFraudMs: -1 })
  return { value, sourceStream: 'relations-000', sourceRevision }
}

/** A desk over a source that the test changes, and what looking at the device `d` lists. */
function deskOver(source: Map<string, KnownFact>): { readonly desk: FactDesk; readonly look: (sequence: number) => number[] } {
  const desk = new FactDesk()
  desk.attach({ get: (kind, keyToken) => source.get(`${kind}|${keyToken}`) })
  const look = (sequence: number): number[] => {
    desk.beginInput(sequence)
    desk.device('d')
    return desk.listed.map(({ sourceRevision }) => sourceRevision)
  }
  return { desk, look }
}

test('a fact is listed on first use and again when it changed, and nothing older comes back', () => {
  const source = new Map<string, KnownFact>()
  const { desk, look } = deskOver(source)
  expect(look(1)).toEqual([])
  expect(desk.device('d')).toBeUndefined()
  source.set('device|d', known(1, 5))
  expect([look(2), look(3)]).toEqual([[5], []])
  source.set('device|d', known(1, 6))
  expect(look(4)).toEqual([])
  source.set('device|d', known(2, 7))
  expect(look(5)).toEqual([7])
  expect(desk.used()).toEqual([{ kind: 'device', keyToken: 'd', sourceStream: 'relations-000', sourceRevision: 7 }])
  source.set('device|d', known(1, 5))
  expect(look(6)).toEqual([])
  expect(desk.device('d')!.distinctAccounts).toBe(2)
})

test('what was listed survives a snapshot and is not listed again', () => {
  const source = new Map([['device|d', known(3, 9)]])
  const { desk, look } = deskOver(source)
  look(1)
  const writer = new ByteWriter()
  desk.write(writer)
  const copy = deskOver(source)
  copy.desk.read(new ByteReader(writer.finish()))
  expect(copy.desk.canonicalHash()).toEqual(desk.canonicalHash())
  expect(copy.look(2)).toEqual([])
  expect(copy.desk.device('d')!.distinctAccounts).toBe(3)
})
