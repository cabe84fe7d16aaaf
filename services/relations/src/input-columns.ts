import type { CountedStatus } from '@riskledger/relations'
import type { ByteReader, ByteWriter } from '@riskledger/windows'

/** A journal entry that inputs lie in. */
export interface InputSource {
  readonly stream: string
  readonly revision: number
  /** The entry's plain data. */
  readonly data: Uint8Array
}

/** An input of a journal as relations keep it until it is folded: not decoded, `source.data[from, from + length)`. Mutable, to be reused. */
export interface QueuedInput {
  source: InputSource
  from: number
  length: number
  /** A number of the topic, below 256, that the caller understands. */
  topic: number
  status: CountedStatus
  habitDistanceCenti: number | null
}

const NOWHERE: InputSource = { stream: '', revision: -1, data: new Uint8Array(0) }

/** An input to be filled and reused. */
export function emptyQueuedInput(): QueuedInput {
  return { source: NOWHERE, from: 0, length: 0, topic: 0, status: 'observed', habitDistanceCenti: null }
}

// An input is two doubles, its epoch and its habit distance (NaN for none), and three words: from, length, and topic | status << 8.
const DOUBLES = 2
const WORDS = 3
const STATUSES: readonly CountedStatus[] = ['observed', 'screened', 'late']

/**
 * A queue of one partition's inputs in typed arrays, first in, first out. Events that wait as objects cost the garbage collector more than
 * they cost to decode; a few numbers beside the entry's bytes cost it nothing.
 */
export class InputColumns {
  private doubles = new Float64Array(DOUBLES * 1024)
  private words = new Uint32Array(WORDS * 1024)
  private first = 0
  private end = 0
  /** The entries of the inputs held, and for each the place behind its last input. */
  private readonly sources: { readonly source: InputSource; end: number }[] = []
  private readonly input = emptyQueuedInput()

  /** Epoch of the first input, or infinity if there is none. */
  get firstEpoch(): number {
    return this.first === this.end ? Infinity : this.doubles[this.first * DOUBLES]
  }

  /** Entries whose bytes are held. */
  get sourcesHeld(): number {
    return this.sources.length
  }

  /** Puts a copy at the end. */
  push(input: QueuedInput, epoch: number): void {
    const at = this.nextPlace()
    this.doubles[at * DOUBLES] = epoch
    this.doubles[at * DOUBLES + 1] = input.habitDistanceCenti ?? NaN
    this.words[at * WORDS] = input.from
    this.words[at * WORDS + 1] = input.length
    this.words[at * WORDS + 2] = input.topic | (STATUSES.indexOf(input.status) << 8)
    const last = this.sources.length - 1
    if (last >= 0 && this.sources[last].source === input.source) this.sources[last].end = this.end
    else this.sources.push({ source: input.source, end: this.end })
  }

  /** Takes the first input out if it is of this epoch or an earlier one; null otherwise. One object, overwritten by the next call. */
  shift(epoch: number): QueuedInput | null {
    if (this.first === this.end || this.firstEpoch > epoch) return null
    const at = this.first++
    const { words, input } = this
    if (at === this.sources[0].end) this.sources.shift()
    input.source = this.sources[0].source
    input.from = words[at * WORDS]
    input.length = words[at * WORDS + 1]
    input.topic = words[at * WORDS + 2] & 255
    input.status = STATUSES[words[at * WORDS + 2] >>> 8]
    const distance = this.doubles[at * DOUBLES + 1]
    input.habitDistanceCenti = Number.isNaN(distance) ? null : distance
    if (this.first === this.end) this.restart()
    return input
  }

  /** Writes the inputs held, and of each their epoch, with the bytes of their entries. */
  write(writer: ByteWriter): void {
    let from = this.first
    writer.varint(this.sources.length)
    for (const { source, end } of this.sources) {
      writer.string(source.stream)
      writer.varint(source.revision)
      writer.bytes(source.data)
      writer.varint(end - from)
      for (let at = from; at < end; at++) {
        for (let column = 0; column < DOUBLES; column++) writer.f64(this.doubles[at * DOUBLES + column])
        for (let column = 0; column < WORDS; column++) writer.u32(this.words[at * WORDS + column])
      }
      from = end
    }
  }

  /** Fills fresh columns from what `write` wrote. Throws `snapshot-unusable`. */
  read(reader: ByteReader): void {
    for (let left = reader.varint(); left > 0; left--) {
      // A copy: the bytes would keep the whole snapshot in memory.
      const source = { stream: reader.string(), revision: reader.varint(), data: reader.bytes().slice() }
      for (let inputs = reader.varint(); inputs > 0; inputs--) {
        const at = this.nextPlace()
        for (let column = 0; column < DOUBLES; column++) this.doubles[at * DOUBLES + column] = reader.f64()
        for (let column = 0; column < WORDS; column++) this.words[at * WORDS + column] = reader.u32()
      }
      this.sources.push({ source, end: this.end })
    }
  }

  /** Empty, it begins at the front again, where memory is in the cache. */
  private restart(): void {
    this.first = 0
    this.end = 0
    this.sources.length = 0
  }

  private nextPlace(): number {
    if ((this.end + 1) * WORDS > this.words.length) this.makeRoom()
    return this.end++
  }

  /** Moves the inputs to the front where that frees half of the room, and to twice the room elsewhere. */
  private makeRoom(): void {
    const { first, end } = this
    const grow = first * 2 < end
    const doubles = grow ? new Float64Array(this.doubles.length * 2) : this.doubles
    const words = grow ? new Uint32Array(this.words.length * 2) : this.words
    doubles.set(this.doubles.subarray(first * DOUBLES, end * DOUBLES))
    words.set(this.words.subarray(first * WORDS, end * WORDS))
    this.doubles = doubles
    this.words = words
    this.first = 0
    this.end = end - first
    for (const source of this.sources) source.end -= first
  }
}
