import type { ProposedRecord } from '@riskledger/contracts'
import { MemoryEventLog } from '@riskledger/testing'

/** A log that notes how many records each append brings. Appends can be held until they are let go, one by one, or fail as told. */
export class CountingLog extends MemoryEventLog {
  readonly groups: number[] = []
  /** What the next appends fail with, first come first. */
  readonly failures: Error[] = []
  private readonly held: (() => void)[] = []

  constructor(public holds = false) {
    super()
  }

  override async append(records: readonly ProposedRecord[]): Promise<readonly number[]> {
    this.groups.push(records.length)
    const failure = this.failures.shift()
    if (failure !== undefined) throw failure
    if (this.holds) await new Promise<void>((resolve) => this.held.push(resolve))
    return super.append(records)
  }

  /** Lets the oldest held append go. */
  letGo(): void {
    this.held.shift()?.()
  }
}
