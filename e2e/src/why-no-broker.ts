import { cachedBrokerJars, containerEngineMayAnswer, findProgram, type FindTestBrokerOptions } from '@riskledger/dev-broker'

/** What a test says that has no broker. */
export const NO_BROKER =
  'skipped: no Kafka broker to be had (set RISKLEDGER_KAFKA_BROKERS, start a container engine, or install Maven and Java 17)'

/**
 * Why tests that need `findTestBroker` are skipped, or null; to be asked before they are declared, so that they count as skipped. Under `CI=true` none is. An
 * engine that seems to be there and starts nothing is found out later, and fails them.
 */
export function whyNoBroker(options: Pick<FindTestBrokerOptions, 'environment' | 'hasEngine' | 'canRunJars'> = {}): string | null {
  const { environment = process.env, hasEngine = () => containerEngineMayAnswer(process.env), canRunJars = canStartFromJars } = options
  const isNamed = (environment.RISKLEDGER_KAFKA_BROKERS ?? '').split(',').some((broker) => broker.trim() !== '')
  return isNamed || environment.CI === 'true' || hasEngine() || canRunJars() ? null : NO_BROKER
}

/** True where a broker can be started from its jars. */
export function canStartFromJars(): boolean {
  return findProgram('java') !== undefined && (cachedBrokerJars() !== undefined || findProgram('mvn') !== undefined)
}
