import type { ByteReader, ByteWriter } from '@riskledger/windows'
import type { DeviceFact } from './facts'
import { HashSets } from './hash-sets'
import { KeyedRows } from './keyed-rows'

// A row is 32 bytes. Doubles:
const AS_OF = 0
const FIRST_SEEN = 1
const LAST_FRAUD = 2
// words: where the set of accounts lies; bytes: how many accounts, 1 for a change not yet taken.
const ACCOUNTS_PLACE = 6
const ACCOUNTS = 28
const CHANGED = 29

const ROW_DOUBLES = 4
const ROW_WORDS = 8
const ROW_BYTES = 32

/** What relations keep of all devices, by number, in rows as those of `CounterpartyTable`. */
export class DeviceMemory extends KeyedRows {
  private readonly accounts = new HashSets()
  private changed: number[] = []

  /** `maxKeys`: devices held, at most 16 million whatever it says. */
  constructor(maxKeys: number) {
    super(maxKeys, ROW_DOUBLES)
  }

  /** Reads a row, and nothing else: memory asked for ahead. */
  touchRow(number: number): number {
    return this.words[number * ROW_WORDS + ACCOUNTS_PLACE]
  }

  /** Reads where the search for an account begins; see `touchRow`. */
  touchAccount(number: number, accountHash: number): number {
    return this.accounts.touch(this.words[number * ROW_WORDS + ACCOUNTS_PLACE], this.bytes[number * ROW_BYTES + ACCOUNTS], accountHash)
  }

  protected override begin(number: number, timeMs: number): void {
    const row = number * ROW_DOUBLES
    this.doubles[row + AS_OF] = timeMs
    this.doubles[row + FIRST_SEEN] = timeMs
    this.doubles[row + LAST_FRAUD] = -1
  }

  factOf(number: number): DeviceFact {
    const row = number * ROW_DOUBLES
    return {
      asOfMs: this.doubles[row + AS_OF],
      firstSeenMs: this.doubles[row + FIRST_SEEN],
      distinctAccounts: this.bytes[number * ROW_BYTES + ACCOUNTS],
      lastKnownFraudMs: this.doubles[row + LAST_FRAUD],
    }
  }

  /** Hashes of the accounts that used it, in ascending order. */
  accountsOf(number: number): Uint32Array {
    return this.accounts.members(this.words[number * ROW_WORDS + ACCOUNTS_PLACE], this.bytes[number * ROW_BYTES + ACCOUNTS])
  }

  /** Moves the fact to a moment; one before `asOfMs` counts as `asOfMs`. */
  moveTo(number: number, timeMs: number): void {
    const at = number * ROW_DOUBLES + AS_OF
    if (timeMs > this.doubles[at]) this.doubles[at] = timeMs
  }

  /** How many accounts it has with this one, or 0 if it had it already, or has 64. */
  addAccount(number: number, accountHash: number): number {
    const at = number * ROW_WORDS + ACCOUNTS_PLACE
    const before = this.bytes[number * ROW_BYTES + ACCOUNTS]
    const place = this.accounts.add(this.words[at], before, accountHash)
    if (place < 0) return 0
    this.words[at] = place
    this.bytes[number * ROW_BYTES + ACCOUNTS] = before + 1
    return before + 1
  }

  /** A payment of `paymentTimeMs` that came from it became known fraud at `knownAtMs`. */
  knowFraud(number: number, paymentTimeMs: number, knownAtMs: number): void {
    const at = number * ROW_DOUBLES + LAST_FRAUD
    if (paymentTimeMs > this.doubles[at]) this.doubles[at] = paymentTimeMs
    this.moveTo(number, knownAtMs)
  }

  /** Marks the fact as one to publish. */
  touch(number: number): void {
    const at = number * ROW_BYTES + CHANGED
    if (this.bytes[at] === 1) return
    this.bytes[at] = 1
    this.changed.push(number)
  }

  hasChanged(number: number): boolean {
    return this.bytes[number * ROW_BYTES + CHANGED] === 1
  }

  /** Facts to publish. */
  get changedCount(): number {
    return this.changed.length
  }

  /** The numbers of the facts to publish, which thereby count as published. */
  takeChanged(): readonly number[] {
    const { changed } = this
    this.changed = []
    for (const number of changed) this.bytes[number * ROW_BYTES + CHANGED] = 0
    return changed
  }

  /** Writes everything as it lies. */
  override write(writer: ByteWriter): void {
    super.write(writer)
    this.accounts.write(writer)
    writer.words(Uint32Array.from(this.changed))
  }

  /** Fills a fresh memory from what `write` wrote. Throws `snapshot-unusable`. */
  override read(reader: ByteReader): void {
    super.read(reader)
    this.accounts.read(reader)
    this.changed = [...reader.wordsInPlace()]
  }
}
