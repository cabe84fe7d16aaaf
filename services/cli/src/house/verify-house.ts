import type { House } from './open-house'
import { verifyLedger, type Verification, type VerifyOptions } from './verify-ledger'
import { openLogCheck } from './verify-log'

/** What a verification of ledger and log found. */
export interface HouseVerification extends Verification {
  /** Records of the log that were read. */
  readonly logRecords: number
}

/** How a data folder is verified. */
export interface VerifyHouseOptions extends Omit<VerifyOptions, 'records'> {
  readonly onRecords?: (records: number) => void
}

/** Verifies the ledger, then that the log can be read and that the journals' positions lie in it. */
export async function verifyHouse(house: House, { onRecords, ...options }: VerifyHouseOptions): Promise<HouseVerification> {
  const log = await openLogCheck(house)
  try {
    const ledger = await verifyLedger(house.ledger, { ...options, records: log.records })
    const { faults, records } = await log.verify(ledger.journals, onRecords)
    return { ...ledger, faults: [...ledger.faults, ...faults], logRecords: records }
  } finally {
    await log.close()
  }
}
