import { existsSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { join } from 'node:path'
import { cachedBrokerJars } from './fetch-broker-jars'
import { findProgram } from './find-program'

/** What a test says that has no broker. */
export const NO_BROKER =
  'skipped: no Kafka broker to be had (set RISKLEDGER_KAFKA_BROKERS, start a container engine, or install Maven and Java 17)'

/** Where a broker may be; each part has a default, and tests of the search itself give others. */
export interface WhereToLook {
  readonly environment?: Readonly<Record<string, string | undefined>>
  readonly hasEngine?: () => boolean
  readonly canRunJars?: () => boolean
}

/**
 * Why tests that need `findTestBroker` are skipped, or null; to be asked before they are declared, so that they count as skipped. Under `CI=true` none is. An
 * engine that seems to be there and starts nothing is found out later, and fails them.
 */
export function whyNoBroker(options: WhereToLook = {}): string | null {
  const { environment = process.env, hasEngine = () => containerEngineMayAnswer(process.env), canRunJars = canStartFromJars } = options
  const isNamed = (environment.RISKLEDGER_KAFKA_BROKERS ?? '').split(',').some((broker) => broker.trim() !== '')
  return isNamed || environment.CI === 'true' || hasEngine() || canRunJars() ? null : NO_BROKER
}

/** True where a broker can be started from its jars. */
export function canStartFromJars(): boolean {
  if (findProgram('java') === undefined) return false
  return cachedBrokerJars() !== undefined || findProgram('mvn') !== undefined
}

/**
 * True where `DOCKER_HOST` is set, or a socket or a settings file of a container engine is there; nothing is asked. Asking takes a second and a half, to load
 * the client library.
 */
export function containerEngineMayAnswer(environment: NodeJS.ProcessEnv): boolean {
  if (environment.DOCKER_HOST !== undefined) return true
  const home = homedir()
  const runtime = environment.XDG_RUNTIME_DIR ?? `/run/user/${userInfo().uid}`
  return [
    '/var/run/docker.sock',
    join(runtime, 'docker.sock'),
    join(runtime, 'podman', 'podman.sock'),
    join(home, '.docker', 'run', 'docker.sock'),
    join(home, '.docker', 'desktop', 'docker.sock'),
    join(home, '.testcontainers.properties'),
  ].some((path) => existsSync(path))
}
