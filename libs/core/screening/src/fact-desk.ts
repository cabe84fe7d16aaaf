import { createHash } from 'node:crypto'
import type { FactKind, JournaledFact } from '@riskledger/journal'
import type { TokenSpan } from '@riskledger/events'
import { COUNTERPARTY_ROWS, DEVICE_ROWS, type CounterpartyFact, type DeviceFact, type FactView } from '@riskledger/relations'
import { FactShelf, type FactCard, type FactReference, type KnownFact } from './fact-shelf'
import { TOUCH_AHEAD } from './touch-ahead'
import type { ByteReader, ByteWriter } from '@riskledger/windows'

/**
 * The facts that verdicts stand on, as the journal lists them. Relations offer what they learned; a look during an input takes over what was
 * offered since and puts it on the list for that input. In a fold the list comes first and nothing is offered. Either way the same values are seen.
 */
export class FactDesk implements FactView {
  /** What the batch lists: taken by the batch encoder, emptied by `beginInput`. */
  readonly listed: JournaledFact[] = []
  private readonly counterparties = new FactShelf<CounterpartyFact>('counterparty', COUNTERPARTY_ROWS)
  private readonly devices = new FactShelf<DeviceFact>('device', DEVICE_ROWS)
  private readonly looked: FactReference[] = []
  private readonly aheadSlots = new Int32Array(TOUCH_AHEAD)
  private sequence = 0

  /** Makes known what relations learned of a key; what was offered of it before and not looked at is never seen. */
  offer(kind: 'counterparty' | 'device', keyToken: string, known: KnownFact): void {
    this.shelf(kind).offer(keyToken, known)
  }

  beginInput(sequence: number): void {
    this.sequence = sequence
    if (this.listed.length > 0) this.listed.length = 0
    if (this.looked.length > 0) this.looked.length = 0
  }

  /** The facts that the input could see, in the order in which they were looked up. */
  used(): readonly FactReference[] {
    return this.looked.map(({ kind, keyToken, sourceStream, sourceRevision }) => ({ kind, keyToken, sourceStream, sourceRevision }))
  }

  /** Lists a fact that is not of relations: a random challenge's draw. */
  list(kind: FactKind, keyToken: string, value: Uint8Array): void {
    const fact = { kind, keyToken, sourceStream: '', sourceRevision: -1 }
    this.listed.push({ ...fact, sequence: this.sequence, value })
    this.looked.push(fact)
  }

  /** Takes over a fact that the journal lists, before its input is folded. */
  apply(fact: JournaledFact): void {
    if (fact.kind === 'random-challenge') return
    // A copy: the value is a view into its entry.
    this.shelf(fact.kind).hold(fact.keyToken, { ...fact, value: Buffer.from(fact.value) })
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

  private readonly listTaken = ({ kind, keyToken, value, sourceStream, sourceRevision }: FactCard): void => {
    this.listed.push({ sequence: this.sequence, kind, keyToken, value, sourceStream, sourceRevision })
  }

  canonicalHash(): Uint8Array {
    const hash = createHash('sha256')
    for (const shelf of [this.counterparties, this.devices]) {
      for (const { keyToken, value } of shelf.held().sort((a, b) => (a.keyToken < b.keyToken ? -1 : 1))) {
        hash.update(`${shelf.kind}|${Buffer.byteLength(keyToken)}|${keyToken}|`)
        hash.update(value)
      }
    }
    return hash.digest()
  }

  write(writer: ByteWriter): void {
    for (const shelf of [this.counterparties, this.devices]) {
      const held = shelf.held()
      writer.varint(held.length)
      for (const { keyToken, value, sourceStream, sourceRevision } of held) {
        writer.string(keyToken)
        writer.bytes(value)
        writer.string(sourceStream)
        writer.varint(sourceRevision)
      }
    }
  }

  read(reader: ByteReader): void {
    for (const kind of ['counterparty', 'device'] as const) {
      for (let left = reader.varint(); left > 0; left--) {
        this.apply({
          sequence: 0,
          kind,
          keyToken: reader.string(),
          value: reader.bytes(),
          sourceStream: reader.string(),
          sourceRevision: reader.varint(),
        })
      }
    }
  }

  private shelf(kind: 'counterparty' | 'device'): FactShelf<CounterpartyFact> | FactShelf<DeviceFact> {
    return kind === 'counterparty' ? this.counterparties : this.devices
  }

  private look<T>(shelf: FactShelf<T>, bytes: Uint8Array, span: TokenSpan): T | undefined {
    const slot = shelf.find(bytes, span)
    if (slot < 0) return undefined
    const fact = shelf.look(slot, this.listTaken)
    if (fact !== undefined) this.looked.push(shelf.cardOf(slot))
    return fact
  }
}
