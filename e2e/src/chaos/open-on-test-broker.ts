import { findTestBroker } from '@riskledger/dev-broker'
import { ChaosHouse, type ChaosHouseOptions } from './chaos-house'
import type { OpenedStage } from './chaos-suite'

/** A house on the broker that tests share, or on one of its own where none is shared. Throws why there is none. */
export async function openOnTestBroker(options: Omit<ChaosHouseOptions, 'brokers'>): Promise<OpenedStage<undefined>> {
  const broker = await findTestBroker()
  if (broker.kind === 'skipped') throw new Error(broker.reason)
  const { brokers, close } = broker
  try {
    return { house: await ChaosHouse.open({ brokers, ...options }), stage: undefined, close }
  } catch (error) {
    await close()
    throw error
  }
}
