import type { ByteReader, ByteWriter } from '@riskledger/windows'
import { CounterpartyMemory, DeviceMemory, type SmallSet } from './counterparty-memory'
import { decodeCounterpartyFact, decodeDeviceFact, encodeCounterpartyFact, encodeDeviceFact } from './fact-codec'
import type { RelationsState } from './relations-state'

function writeSet(set: SmallSet, writer: ByteWriter, sorted: boolean): void {
  const members = set.members.slice(0, set.count)
  if (sorted) members.sort()
  writer.varint(members.length)
  for (const member of members) writer.u32(member)
}

function readSet(set: SmallSet, reader: ByteReader): void {
  for (let left = reader.varint(); left > 0; left--) set.add(reader.u32())
}

function writeCounterparty(memory: CounterpartyMemory, writer: ByteWriter, canonical: boolean): void {
  writer.string(memory.key)
  writer.bytes(encodeCounterpartyFact(memory.fact))
  writeSet(memory.payers, writer, canonical)
  writer.varint(memory.alerts.length)
  for (const alert of memory.alerts) {
    writer.u32(alert.origin)
    writer.varint(alert.severity)
  }
  writer.u8(memory.changed ? 1 : 0)
}

function writeDevice(memory: DeviceMemory, writer: ByteWriter, canonical: boolean): void {
  writer.string(memory.key)
  writer.bytes(encodeDeviceFact(memory.fact))
  writeSet(memory.accounts, writer, canonical)
  writer.u8(memory.changed ? 1 : 0)
}

const byKey = (a: { readonly key: string }, b: { readonly key: string }): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)

/** Bytes of a `RelationsState`: for a snapshot, and in canonical form for a hash. */
export class RelationsCodec {
  constructor(private readonly state: RelationsState) {}

  write(writer: ByteWriter): void {
    const { counters, counterparties, devices, queue } = this.state
    for (const count of [counters.counterpartiesRefused, counters.devicesRefused, counters.outcomesUnmatched, counters.outcomesSuperseded])
      writer.varint(count)
    writer.varint(counterparties.length)
    for (const memory of counterparties) writeCounterparty(memory, writer, false)
    writer.varint(devices.length)
    for (const memory of devices) writeDevice(memory, writer, false)
    queue.write(writer)
  }

  read(reader: ByteReader): void {
    const { state } = this
    const { counters, counterparties, devices, queue } = state
    counters.counterpartiesRefused = reader.varint()
    counters.devicesRefused = reader.varint()
    counters.outcomesUnmatched = reader.varint()
    counters.outcomesSuperseded = reader.varint()
    for (let left = reader.varint(); left > 0; left--) {
      const memory = new CounterpartyMemory(reader.string(), 0, counterparties.length)
      memory.fact = decodeCounterpartyFact(reader.bytes())
      readSet(memory.payers, reader)
      for (let alerts = reader.varint(); alerts > 0; alerts--) memory.alerts.push({ origin: reader.u32(), severity: reader.varint() })
      memory.changed = reader.u8() === 1
      counterparties.push(memory)
      state.counterpartyIndex.set(memory.key, memory)
    }
    for (let left = reader.varint(); left > 0; left--) {
      const memory = new DeviceMemory(reader.string(), 0)
      memory.fact = decodeDeviceFact(reader.bytes())
      readSet(memory.accounts, reader)
      memory.changed = reader.u8() === 1
      state.deviceIndex.set(memory.key, devices.length)
      devices.push(memory)
    }
    queue.read(reader)
    queue.forEach((entry) => {
      const lane = queue.lanes(entry)
      state.recent.add(entry, { account: queue.words[lane], id: queue.words[lane + 2] })
    })
  }

  /** Content alone: keys in order of code units, numbers of slots replaced by keys, payments in order of (time, event). */
  writeCanonical(writer: ByteWriter): void {
    const { counterparties, devices, queue } = this.state
    for (const memory of counterparties.slice().sort(byKey)) writeCounterparty(memory, writer, true)
    for (const memory of devices.slice().sort(byKey)) writeDevice(memory, writer, true)
    writer.varint(queue.size)
    queue.forEach((entry) => {
      writer.string(counterparties[queue.owner(entry)].key)
      const lane = queue.lanes(entry)
      const device = queue.words[lane + 3] - 1
      writer.string(device < 0 ? '' : devices[device].key)
      queue.writeEntry(entry, writer, 3)
    })
  }
}
