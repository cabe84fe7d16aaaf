import { findTestBroker } from '@riskledger/dev-broker'

/** A broker for the tests of a file; closed after them. Where there is none the tests that ask for it fail and say so: nothing here passes without. */
export function brokerOfTests(): () => Promise<readonly string[]> {
  const found = findTestBroker()
  afterAll(async () => {
    const broker = await found
    if (broker.kind === 'found') await broker.close()
  }, 60_000)
  return async () => {
    const broker = await found
    if (broker.kind === 'skipped') throw new Error(broker.reason)
    return broker.brokers
  }
}
