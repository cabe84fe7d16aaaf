import type { Logger, Metrics } from '@riskledger/contracts'
import type { PassedOver } from './relations-fold'

/**
 * Makes a function that tells of what relations passed over so far: in `riskledger_relations_passed_over`, and in the log once when there was no
 * room for a counterparty or device.
 */
export function tellPassedOver({
  metrics,
  logger,
}: {
  readonly metrics: Metrics
  readonly logger: Logger
}): (passedOver: PassedOver) => void {
  let warned = false
  return (passedOver) => {
    const { counterpartiesRefused, devicesRefused } = passedOver
    const gauge = (what: string, count: number): void => metrics.gauge('riskledger_relations_passed_over', count, { what })
    gauge('counterparties-refused', counterpartiesRefused)
    gauge('devices-refused', devicesRefused)
    gauge('outcomes-unmatched', passedOver.outcomesUnmatched)
    gauge('outcomes-superseded', passedOver.outcomesSuperseded)
    gauge('forgotten-early', passedOver.forgottenEarly)
    gauge('alerts-forgotten', passedOver.alertsForgotten)
    if (warned || counterpartiesRefused + devicesRefused === 0) return
    warned = true
    logger.warn('relations have no room for another counterparty or device; only journals that begin with a larger state.maxAccounts do', {
      counterpartiesRefused,
      devicesRefused,
    })
  }
}
