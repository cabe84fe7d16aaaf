import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { DispatcherThreadInput } from '@riskledger/dispatcher'
import { schemaArtifacts } from '@riskledger/events'
import { storeArtifact } from '@riskledger/journal'
import type { KafkaConnection } from '@riskledger/kafka'
import type { AcceptedPolicy, Policy } from '@riskledger/policy'
import { relationsOptions } from '@riskledger/relations'
import type { RelationsThreadInput } from '@riskledger/relations-service'
import type { HealthAddress, Settings } from '@riskledger/runtime'
import { DEFAULT_PACE, type Assignment, type ScreenerTells, type ScreenerThreadInput, type WorkerPace } from '@riskledger/screener'
import type { Engine } from './engine'
import type { House } from './open-house'

/** What the parts of a house have in common, however many of them this process runs. */
export interface PartOptions {
  readonly house: House
  readonly engine: Engine
  /** Put into force at the start; null: the journals' own. */
  readonly policy: AcceptedPolicy | null
  /** With which journals begin that have none yet, where `policy` is null. */
  readonly firstPolicy?: AcceptedPolicy
  readonly challengeSecret: string
  readonly environment: string
  readonly logLevel: Settings['logLevel']
  readonly crashAt: string | undefined
  readonly pace?: WorkerPace
  /** How much the screener tells while it runs. */
  readonly tells: ScreenerTells
  /** Where the part tells of health and metrics; left out: nowhere. */
  readonly health?: HealthAddress | null
}

/** Puts the engine and the schemas into the ledger, to which journal entries refer by hash; what is there already stays. */
export async function storeArtifacts({ house, engine, environment }: Pick<PartOptions, 'house' | 'engine' | 'environment'>): Promise<void> {
  const schemas = schemaArtifacts().map(({ canonicalJson }) => ({
    bytes: Buffer.from(canonicalJson),
    mediaType: 'application/vnd.apache.avro+json',
  }))
  const artifacts = [{ bytes: engine.bundle, mediaType: 'text/javascript' }, ...schemas]
  await Promise.all(artifacts.map((artifact) => storeArtifact(house.ledger, artifact, environment)))
}

/** What the screener thread of this house is started with. */
export function screenerInput(options: PartOptions, assignment: Assignment): ScreenerThreadInput {
  const { house, policy, firstPolicy } = options
  return {
    log: house.log,
    cacheFolder: join(house.dataDir, 'cache', 'snapshots'),
    assignment,
    connectionString: house.connectionString,
    partitionCount: house.folder.partitions,
    environment: options.environment,
    workerId: randomUUID(),
    engineHash: options.engine.hash,
    policy: policy === null ? null : policy.canonicalBytes,
    firstPolicy: firstPolicy === undefined ? null : firstPolicy.canonicalBytes,
    pace: options.pace ?? DEFAULT_PACE,
    challengeSecret: options.challengeSecret,
    tells: options.tells,
    logLevel: options.logLevel,
    health: options.health ?? null,
    crashAt: options.crashAt,
  }
}

/** Relations go by the policy that the journals began with: their epochs have numbers, and those do not change. */
export function relationsInput(
  {
    house,
    engine,
    environment,
    logLevel,
    health,
    crashAt,
    pace = DEFAULT_PACE,
  }: Pick<PartOptions, 'house' | 'engine' | 'environment' | 'logLevel' | 'health' | 'crashAt' | 'pace'>,
  begunWith: Policy,
): RelationsThreadInput {
  const { relations, state } = begunWith
  return {
    connectionString: house.connectionString,
    partitionCount: house.folder.partitions,
    environment,
    engineHash: engine.hash,
    epochMs: relations.epochMs,
    state: relationsOptions(state),
    cacheFolder: join(house.dataDir, 'cache', 'relations'),
    snapshotPace: pace,
    logLevel,
    health: health ?? null,
    crashAt,
  }
}

/** What the dispatcher thread of this house is started with. */
export function dispatcherInput(
  house: House,
  {
    connection,
    environment,
    crashAt,
    health,
    settings,
  }: Pick<PartOptions, 'environment' | 'crashAt' | 'health'> & {
    readonly connection: KafkaConnection
    readonly settings: Pick<Settings, 'logLevel'>
  },
): DispatcherThreadInput {
  return {
    connection,
    connectionString: house.connectionString,
    partitionCount: house.folder.partitions,
    environment,
    positionsFolder: join(house.dataDir, 'positions'),
    health: health ?? null,
    crashAt,
    logLevel: settings.logLevel,
  }
}

/** All partitions of a house. */
export function everyPartition({ folder }: House): Assignment {
  return { kind: 'fixed', partitions: Array.from({ length: folder.partitions }, (_, partition) => partition) }
}
