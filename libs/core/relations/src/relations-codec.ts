import type { ByteReader, ByteWriter } from '@riskledger/windows'
import type { CounterpartyMemory } from './counterparty-memory'
import type { DeviceMemory } from './device-memory'
import { encodeCounterpartyFact, encodeDeviceFact } from './fact-codec'
import type { RelationsState } from './relations-state'

function writeSet(members: Uint32Array, writer: ByteWriter): void {
  writer.varint(members.length)
  for (const member of members) writer.u32(member)
}

function writeCounterparty(counterparties: CounterpartyMemory, number: number, writer: ByteWriter): void {
  writer.string(counterparties.keyOf(number))
  writer.bytes(encodeCounterpartyFact(counterparties.factOf(number)))
  writeSet(counterparties.payersOf(number), writer)
  counterparties.alerts.writeOf(number, writer)
  writer.u8(counterparties.hasChanged(number) ? 1 : 0)
}

function writeDevice(devices: DeviceMemory, number: number, writer: ByteWriter): void {
  writer.string(devices.keyOf(number))
  writer.bytes(encodeDeviceFact(devices.factOf(number)))
  writeSet(devices.accountsOf(number), writer)
  writer.u8(devices.hasChanged(number) ? 1 : 0)
}

/** Numbers in the order of their keys, by code units. */
export function byKey(numbers: readonly number[], keyOf: (number: number) => string): { readonly key: string; readonly number: number }[] {
  const keyed = numbers.map((number) => ({ key: keyOf(number), number }))
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
}

const below = (size: number): number[] => Array.from({ length: size }, (_, number) => number)

/** Bytes of a `RelationsState`: for a snapshot, mostly as they lie, and in canonical form for a hash. */
export class RelationsCodec {
  constructor(private readonly state: RelationsState) {}

  write(writer: ByteWriter): void {
    const { counters, counterparties, devices, queue } = this.state
    for (const count of [counters.counterpartiesRefused, counters.devicesRefused, counters.outcomesUnmatched, counters.outcomesSuperseded])
      writer.varint(count)
    counterparties.write(writer)
    devices.write(writer)
    queue.write(writer)
    writer.varint(counters.alertsForgotten)
  }

  read(reader: ByteReader): void {
    const { counters, counterparties, devices, queue, recent } = this.state
    counters.counterpartiesRefused = reader.varint()
    counters.devicesRefused = reader.varint()
    counters.outcomesUnmatched = reader.varint()
    counters.outcomesSuperseded = reader.varint()
    counterparties.read(reader)
    devices.read(reader)
    queue.read(reader)
    counters.alertsForgotten = reader.varint()
    queue.forEach((entry) => recent.add(entry))
  }

  /** Content alone: keys in order of code units, numbers of slots replaced by keys, payments and trades in order of (time, arrival). */
  writeCanonical(writer: ByteWriter): void {
    const { counterparties, devices, queue } = this.state
    for (const { number } of byKey(below(counterparties.size), (one) => counterparties.keyOf(one)))
      writeCounterparty(counterparties, number, writer)
    for (const { number } of byKey(below(devices.size), (one) => devices.keyOf(one))) writeDevice(devices, number, writer)
    writer.varint(queue.size)
    queue.forEach((entry) => {
      writer.string(counterparties.keyOf(queue.owner(entry)))
      const lane = queue.lanes(entry)
      const device = queue.words[lane + 3] - 1
      writer.string(device < 0 ? '' : devices.keyOf(device))
      queue.writeEntry(entry, writer, 3)
    })
  }
}
