import { threadModule } from '@riskledger/runtime'

export { createApiKey, MAX_API_KEYS, parseApiKeys, type ApiKey, type ApiKeyRole } from './api-keys'
export type { Decision } from './decide'
export { DEADLINE_MS, MAX_BATCH_EVENTS, type GatewayLimits, type GatewayOptions } from './gateway-options'
export type { ProblemCode, ProblemDocument, ProblemItem } from './problem'
export type { Receipt } from './receipt'
export { startGateway, type Gateway } from './start-gateway'
export type { GatewayThreadInput, GatewayThreadReady } from './thread'

/** The module that `startThread` runs as the gateway thread. */
export const GATEWAY_THREAD = threadModule(__dirname, { source: 'thread.ts', bundled: 'gateway-thread' })
