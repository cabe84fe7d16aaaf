import { FingerprintIndex } from './fingerprint-index'

/** Which (account, business id) pairs are remembered, by two 32-bit hashes; entries are those of the label queue. */
export class RecentIds {
  private readonly index = new FingerprintIndex()
  private readonly search = { at: -1 }
  private accounts = new Uint32Array(256)
  private ids = new Uint32Array(256)

  /** True if the pair is remembered. */
  has(account: number, id: number): boolean {
    const cursor = this.search
    cursor.at = -1
    for (;;) {
      const entry = this.index.next(account >>> 0, id >>> 0, cursor)
      if (entry < 0) return false
      if (this.accounts[entry] === account >>> 0 && this.ids[entry] === id >>> 0) return true
    }
  }

  /** Remembers a pair under an entry. */
  add(entry: number, account: number, id: number): void {
    while (entry >= this.accounts.length) {
      const accounts = new Uint32Array(this.accounts.length * 2)
      accounts.set(this.accounts)
      const ids = new Uint32Array(accounts.length)
      ids.set(this.ids)
      this.accounts = accounts
      this.ids = ids
    }
    this.accounts[entry] = account
    this.ids[entry] = id
    this.index.add(entry, account >>> 0, id >>> 0)
  }

  /** Forgets an entry. */
  remove(entry: number): void {
    this.index.remove(entry, this.accounts[entry], this.ids[entry])
  }
}
