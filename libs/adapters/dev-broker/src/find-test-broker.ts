import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RiskError } from '@riskledger/contracts'
import { fetchBrokerJars } from './fetch-broker-jars'
import { startContainerBroker } from './start-container-broker'
import { startDevBroker } from './start-dev-broker'
import { canStartFromJars, containerEngineMayAnswer, NO_BROKER, type WhereToLook } from './why-no-broker'

/** A broker for a test file, or why there is none. */
export type TestBroker =
  | {
      readonly kind: 'found'
      readonly brokers: string[]
      /** Ends what was started for the test, and removes its files; a broker that was there before stays. */
      readonly close: () => Promise<void>
    }
  | { readonly kind: 'skipped'; readonly reason: string }

/** Where to look; each part has a default, and tests of the search itself give others. */
export interface FindTestBrokerOptions extends WhereToLook {
  readonly startContainer?: () => Promise<{ readonly brokers: string[]; readonly close: () => Promise<void> }>
  readonly startFromJars?: () => Promise<{ readonly brokers: string[]; readonly close: () => Promise<void> }>
}

/**
 * A broker for tests: the one that `RISKLEDGER_KAFKA_BROKERS` names (addresses with commas between); else one in a container where a container engine
 * answers; else one started from its jars where `java`, and `mvn` or jars fetched before, are there; else none. Several test files may share the first kind, so every test puts a
 * prefix of its own before its topics and groups.
 *
 * Where `CI` is `true` nothing is skipped: no broker is `configuration-invalid` then, and one that does not start throws everywhere.
 */
export async function findTestBroker(options: FindTestBrokerOptions = {}): Promise<TestBroker> {
  const {
    environment = process.env,
    hasEngine = () => containerEngineMayAnswer(process.env),
    startContainer = startContainerBroker,
    startFromJars = startTemporaryBroker,
    canRunJars = canStartFromJars,
  } = options
  const named = (environment.RISKLEDGER_KAFKA_BROKERS ?? '').split(',').flatMap((broker) => broker.trim() || [])
  if (named.length > 0) return { kind: 'found', brokers: named, close: () => Promise.resolve() }
  if (hasEngine()) {
    try {
      return { kind: 'found', ...(await startContainer()) }
    } catch (error) {
      process.stderr.write(`No Kafka broker in a container, trying without: ${(error as Error).message}\n`)
    }
  }
  if (canRunJars()) return { kind: 'found', ...(await startFromJars()) }
  if (environment.CI === 'true')
    throw new RiskError('configuration-invalid', `${NO_BROKER.replace(/^skipped: /, '')}; under CI=true this is a failure.`, {
      retriable: false,
    })
  return { kind: 'skipped', reason: NO_BROKER }
}

async function startTemporaryBroker(): Promise<{ readonly brokers: string[]; readonly close: () => Promise<void> }> {
  const jars = await fetchBrokerJars()
  const folder = mkdtempSync(join(tmpdir(), 'riskledger-broker-'))
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true })
  try {
    const broker = await startDevBroker({ folder, jars })
    return {
      brokers: broker.brokers,
      close: async () => {
        // What it would write at the end is removed with all the rest, so it need not be asked to.
        await Promise.all(broker.nodes.map((node) => node.kill()))
        removeFolder()
      },
    }
  } catch (error) {
    removeFolder()
    throw error
  }
}
