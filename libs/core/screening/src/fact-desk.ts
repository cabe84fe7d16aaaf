import { createHash } from 'node:crypto'
import type { ChainHead, FactKind, JournaledFact } from '@riskledger/journal'
import type { TokenSpan } from '@riskledger/events'
import { COUNTERPARTY_ROWS, DEVICE_ROWS, type CounterpartyFact, type DeviceFact, type FactView } from '@riskledger/relations'
import { FactShelf, type FactReference, type KnownFact } from './fact-shelf'
import { TOUCH_AHEAD } from './touch-ahead'
import type { ByteReader, ByteWriter } from '@riskledger/windows'

/** How far a relations stream was read: whatever it holds up to there has been offered. */
export interface FactsRead {
  readonly head: ChainHead
  /** The last epoch that the stream tells as complete up to there; -1 before the first. */
  readonly throughEpoch: number
}

/** What was offered, so that whoever offers goes on from there after a restart. */
export interface OfferedThrough {
  /** The last epoch whose facts may be known; -1 before the first. */
  readonly shownEpoch: number
  /** In the order of relations partitions; none before anything was read. */
  readonly read: readonly FactsRead[]
}

const NOTHING_OFFERED: OfferedThrough = { shownEpoch: -1, read: [] }

/**
 * The facts that verdicts stand on, as the journal lists them. Relations offer what they learned; a look during an input takes over what was
 * offered since and puts it on the list for that input. In a fold the list comes first and nothing is offered. Either way the same values are seen.
 */
export class FactDesk implements FactView {
  /** What the batch lists: taken by the batch encoder, emptied by `beginInput`. */
  readonly listed: JournaledFact[] = []
  private readonly counterparties = new FactShelf<CounterpartyFact>('counterparty', COUNTERPARTY_ROWS)
  private readonly devices = new FactShelf<DeviceFact>('device', DEVICE_ROWS)
  private readonly shelves = [this.counterparties, this.devices] as const
  /** Where the facts of the input lie that were looked at, and what it was given besides. */
  private readonly lookedShelves: Pick<FactShelf<unknown>, 'referenceOf'>[] = []
  private readonly lookedSlots: number[] = []
  private readonly drawn: FactReference[] = []
  private readonly aheadSlots = new Int32Array(TOUCH_AHEAD)
  private sequence = 0
  /** Told by whoever offers, as of its last offer; kept with the state. */
  offeredThrough = NOTHING_OFFERED

  /** Makes known what relations learned of a key; what was offered of it before and not looked at is never seen. */
  offer(kind: 'counterparty' | 'device', keyToken: string, known: KnownFact): void {
    this.shelf(kind).offer(keyToken, known)
  }

  /** Lets what a snapshot held as offered be looked at. Once the journal is folded; programmer error (unchecked) before: its entries would fold to something else. */
  showOffered(): void {
    for (const shelf of this.shelves) shelf.showOffered()
  }

  /** Takes back what was offered and not looked at: whoever offers begins anew. */
  forgetOffered(): void {
    for (const shelf of this.shelves) shelf.forgetOffered()
    this.offeredThrough = NOTHING_OFFERED
  }

  beginInput(sequence: number): void {
    this.sequence = sequence
    if (this.listed.length > 0) this.listed.length = 0
    if (this.lookedSlots.length > 0) this.lookedShelves.length = this.lookedSlots.length = 0
    if (this.drawn.length > 0) this.drawn.length = 0
  }

  /** The facts that the input could see, in the order in which they were looked up. */
  used(): readonly FactReference[] {
    return [...this.lookedSlots.map((slot, i) => this.lookedShelves[i].referenceOf(slot)), ...this.drawn]
  }

  /** Lists a fact that is not of relations: a random challenge's draw. */
  list(kind: FactKind, keyToken: string, value: Uint8Array): void {
    const fact = { kind, keyToken, sourceStream: '', sourceRevision: -1 }
    this.listed.push({ ...fact, sequence: this.sequence, value })
    this.drawn.push(fact)
  }

  /** Takes over a fact that the journal lists, before its input is folded. */
  apply(fact: JournaledFact): void {
    if (fact.kind === 'random-challenge') return
    this.shelf(fact.kind).hold(fact.keyToken, fact)
  }

  counterparty(bytes: Uint8Array, counterpartyId: TokenSpan): CounterpartyFact | undefined {
    return this.look(this.counterparties, bytes, counterpartyId)
  }

  device(bytes: Uint8Array, deviceId: TokenSpan): DeviceFact | undefined {
    return this.look(this.devices, bytes, deviceId)
  }

  /** Reads what looks at some records' counterparties will read; see `InputsAhead`. A span of 0: none. */
  touchCounterparties(bytesOf: (index: number) => Uint8Array, spans: Int32Array, count: number): number {
    const slots = this.aheadSlots
    for (let i = 0; i < count; i++) slots[i] = spans[i] === 0 ? -1 : this.counterparties.find(bytesOf(i), spans[i])
    return this.counterparties.touch(slots, count)
  }

  private readonly listTaken = ({ kind, keyToken, value, sourceStream, sourceRevision }: FactReference & KnownFact): void => {
    this.listed.push({ sequence: this.sequence, kind, keyToken, value, sourceStream, sourceRevision })
  }

  canonicalHash(): Uint8Array {
    const hash = createHash('sha256')
    for (const shelf of this.shelves) {
      const held = shelf.held().map((slot) => ({ slot, keyToken: shelf.referenceOf(slot).keyToken }))
      for (const { slot, keyToken } of held.sort((a, b) => (a.keyToken < b.keyToken ? -1 : 1))) {
        hash.update(`${shelf.kind}|${Buffer.byteLength(keyToken)}|${keyToken}|`)
        hash.update(shelf.valueOf(slot))
      }
    }
    return hash.digest()
  }

  write(writer: ByteWriter): void {
    writeOfferedThrough(this.offeredThrough, writer)
    for (const shelf of this.shelves) shelf.write(writer)
  }

  read(reader: ByteReader): void {
    this.offeredThrough = readOfferedThrough(reader)
    for (const shelf of this.shelves) shelf.read(reader)
  }

  private shelf(kind: 'counterparty' | 'device'): FactShelf<CounterpartyFact> | FactShelf<DeviceFact> {
    return kind === 'counterparty' ? this.counterparties : this.devices
  }

  private look<T>(shelf: FactShelf<T>, bytes: Uint8Array, span: TokenSpan): T | undefined {
    const slot = shelf.find(bytes, span)
    if (slot < 0) return undefined
    const fact = shelf.look(slot, this.listTaken)
    if (fact !== undefined) {
      this.lookedShelves.push(shelf)
      this.lookedSlots.push(slot)
    }
    return fact
  }
}

function writeOfferedThrough({ shownEpoch, read }: OfferedThrough, writer: ByteWriter): void {
  writer.f64(shownEpoch)
  writer.varint(read.length)
  for (const { head, throughEpoch } of read) {
    writer.string(head.stream)
    writer.f64(head.revision)
    writer.string(head.entryHash)
    writer.f64(throughEpoch)
  }
}

function readOfferedThrough(reader: ByteReader): OfferedThrough {
  const shownEpoch = reader.f64()
  const read: FactsRead[] = []
  for (let left = reader.varint(); left > 0; left--) {
    const head = { stream: reader.string(), revision: reader.f64(), entryHash: reader.string() }
    read.push({ head, throughEpoch: reader.f64() })
  }
  return { shownEpoch, read }
}
