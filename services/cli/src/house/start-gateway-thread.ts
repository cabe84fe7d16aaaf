import { RiskError } from '@riskledger/contracts'
import { GATEWAY_THREAD, parseApiKeys, type GatewayThreadInput, type GatewayThreadReady } from '@riskledger/gateway'
import { screeningStream } from '@riskledger/journal'
import { fallbackOf } from '@riskledger/policy'
import { startThread, type Settings, type Thread } from '@riskledger/runtime'
import { activePolicy } from './active-policy'
import type { House } from './open-house'
import { readNamedFile } from './read-named-file'
import { threadReady } from './service-session'

/** A gateway thread that serves. */
export interface GatewayThread {
  readonly thread: Thread<GatewayThreadReady>
  readonly url: string
}

/** Whether the settings let a gateway be started: with keys, or with authentication off. */
export function hasGateway({ gatewayKeys, gatewayAuth }: Settings): boolean {
  return gatewayKeys !== undefined || gatewayAuth === 'off'
}

/** Where a gateway listens, and who may come in. */
export type GatewayDoor = Pick<GatewayThreadInput, 'host' | 'port' | 'apiKeys' | 'tls'>

/**
 * Reads what the settings say of the gateway, its files included, so that a wrong one is told of before anything runs. Throws `configuration-invalid` for those, and
 * where neither keys are named nor authentication is off.
 */
export function gatewayDoor(settings: Settings): GatewayDoor {
  return { host: settings.gatewayHost, port: settings.gatewayPort, apiKeys: apiKeysOf(settings), ...tlsOf(settings) }
}

/**
 * Starts the gateway of a house. What callers are told when no verdict comes in time goes by the policy that is in force now. Throws `cancelled` where `signal` aborts
 * before it serves.
 */
export async function startGatewayThread(
  house: House,
  {
    door,
    logLevel,
    environment,
    signal,
  }: {
    readonly door: GatewayDoor
    readonly logLevel: Settings['logLevel']
    readonly environment: string
    readonly signal?: AbortSignal
  },
): Promise<GatewayThread> {
  const { policy } = await activePolicy(house.ledger, { stream: screeningStream(0, 0, environment), which: 'last', environment })
  const input: GatewayThreadInput = {
    log: house.log,
    connectionString: house.connectionString,
    partitionCount: house.folder.partitions,
    environment,
    ...door,
    fallback: fallbackOf(policy),
    logLevel,
  }
  const thread = startThread<GatewayThreadReady>(GATEWAY_THREAD, { name: 'gateway', input })
  const { url } = await (signal === undefined ? thread.ready : threadReady(thread, signal))
  return { thread, url }
}

function apiKeysOf({ gatewayKeys, gatewayAuth }: Settings): GatewayThreadInput['apiKeys'] {
  if (gatewayAuth === 'off') return 'off'
  if (gatewayKeys !== undefined) return parseApiKeys(readNamedFile(gatewayKeys, 'gateway-keys'), gatewayKeys)
  throw new RiskError(
    'configuration-invalid',
    'The gateway asks for keys: make one with riskledger gateway keys create and name the file with --gateway-keys (or, on this machine alone, --gateway-auth off).',
    { retriable: false },
  )
}

function tlsOf({ gatewayCert, gatewayKey }: Settings): Pick<GatewayThreadInput, 'tls'> | Record<string, never> {
  if (gatewayCert === undefined && gatewayKey === undefined) return {}
  if (gatewayCert !== undefined && gatewayKey !== undefined)
    return { tls: { cert: readNamedFile(gatewayCert, 'gateway-cert'), key: readNamedFile(gatewayKey, 'gateway-key') } }
  throw new RiskError('configuration-invalid', '--gateway-cert and --gateway-key go together: name both, or neither.', { retriable: false })
}
